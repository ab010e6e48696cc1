//! How deep a line nests, found before it is parsed.

/// Whether `line` nests more than `limit` levels deep. Linear, and without recursion or memory.
///
/// Few lines have as many opening brackets as the limit has levels; only those are read byte by
/// byte. Of a line that is not valid JSON the answer may be either.
pub(super) fn deeper_than(line: &[u8], limit: usize) -> bool {
    memchr::memchr2_iter(b'{', b'[', line).nth(limit).is_some() && depth(line) > limit
}

fn depth(line: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
