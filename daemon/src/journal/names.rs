//! What the journal's files are called: all begin with the name of the snapshot.

/// Files that are kept aside at most; the oldest go first.
const MOST_ASIDE: u64 = 8;

/// The names that go with one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Names(String);

impl Names {
    /// Those of the snapshot called `name`.
    pub(crate) fn of(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The snapshot.
    pub(crate) fn snapshot(&self) -> &str {
        &self.0
    }

    /// A snapshot that is not whole yet.
    pub(crate) fn draft(&self) -> String {
        format!("{}.new", self.0)
    }

    /// The log that continues a snapshot.
    pub(crate) fn log(&self, generation: u64) -> String {
        format!("{}.{generation}.log", self.0)
    }

    /// Which snapshot a log continues; `None` for what is no log of this snapshot.
    pub(crate) fn generation_of(&self, name: &str) -> Option<u64> {
        let number = name.strip_prefix(&self.0)?.strip_prefix('.')?.strip_suffix(".log")?;
        number.parse().ok().filter(|generation| self.log(*generation) == name)
    }

    /// The name for the next file that is set aside, and those that have to go for it, among `all` that there are.
    pub(crate) fn aside(&self, all: &[String]) -> (String, Vec<String>) {
        let number_of = |name: &String| name.strip_prefix(&self.0)?.strip_prefix(".aside-")?.parse::<u64>().ok();
        let next = all.iter().filter_map(number_of).max().unwrap_or_default() + 1;
        let is_old = |name: &&String| number_of(name).is_some_and(|number| number + MOST_ASIDE <= next);
        (format!("{}.aside-{next}", self.0), all.iter().filter(is_old).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_says_its_generation() {
        let names = Names::of("state.json");
        assert_eq!(names.generation_of(&names.log(12)), Some(12));
        for other in ["state.json", "state.json.12.log.aside-1", "state.json.012.log", "state.json.x.log", "x.12.log"] {
            assert_eq!(names.generation_of(other), None, "{other}");
        }
    }

    #[test]
    fn eight_are_kept_aside() {
        let names = Names::of("s");
        let mut all = vec!["s".to_owned()];
        for _ in 0..10 {
            let (name, old) = names.aside(&all);
            all.retain(|name| !old.contains(name));
            all.push(name);
        }
        all.sort();
        assert_eq!(
            all,
            [
                "s",
                "s.aside-10",
                "s.aside-3",
                "s.aside-4",
                "s.aside-5",
                "s.aside-6",
                "s.aside-7",
                "s.aside-8",
                "s.aside-9"
            ]
        );
    }
}
