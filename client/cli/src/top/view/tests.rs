use std::fs;
use std::path::Path;

use expect_test::expect;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::super::model::tests::{NOW, model, picture_of, pool};
use super::super::model::{Model, News};
use super::*;

fn drawn(model: &Model, width: u16, height: u16, colour: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, model, colour)).unwrap();
    terminal.backend().buffer().clone()
}

/// The lines of a screen, without what stands behind their ends.
fn lines(buffer: &Buffer) -> Vec<String> {
    let text = |line: Rect| -> String {
        let mut skip = 0;
        let mut out = String::new();
        for place in line.positions() {
            let symbol = buffer[place].symbol();
            if skip == 0 {
                out.push_str(symbol);
                skip = usize::from(canvas::width(symbol).max(1));
            }
            skip -= 1;
        }
        out.trim_end().to_owned()
    };
    buffer.area.rows().map(text).collect()
}

fn screen(model: &Model, width: u16, height: u16) -> String {
    lines(&drawn(model, width, height, false)).join("\n") + "\n"
}

fn changed(change: impl FnOnce(&mut Value)) -> Model {
    let mut pool = pool();
    change(&mut pool);
    Model::new(picture_of(&pool), NOW)
}

/// The screen stands in the README, too. `UPDATE_EXPECT=1` writes it there.
#[test]
fn the_screen_of_80_by_24_is_the_one_of_the_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("```text top\n").unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    let screen = screen(&model(), 80, 24);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}```text top\n{screen}```\n{after}")).unwrap();
    } else {
        assert_eq!(shown, screen);
    }
}

#[test]
fn a_wide_screen_has_room_for_long_names() {
    let mut model = changed(|pool| pool["credentials"][1]["label"] = json!("the spare key of the team"));
    model.type_keys("j");
    expect![[r#"
        credpoold/0.1.0  up 12m, pid 4426                                                                                   live
         anthropic 1/3  [openrouter 1/3]                                                                          Tab: next pool
        fill_first  1 ready, 1 cooling, 1 needs login  1 lease  1 waiting
          STATE                     LEFT LEASES LABEL                  ID       CAUSE
          ● ready                           1/1 work                   a1b2c3
              └ 5h 72% used, resets in 2h 10m
        > ◐ cooling     ████░░░░     43s    0/1 the spare key of the … d4e5f6   rate limit 429
          ✗ needs login                -    0/1 broke                  0b0b0b   dead 401: token_revoked
          LEASE HOLDER                         PID    HELD    LEFT LABEL                  FOR
             12 aider/1.0                     4711   2m 5s 57m 55s work                   gpt-5.5, session
          WAITS WHO                            PID  SO FAR   ABOUT                        FOR
              1 batch/2                       4712      2s     43s                        gpt-5.5, background
            AGO WHAT                                  LEFT LABEL                  BY
            43s rate limit 429                         44s spare                  gpt-5.5, openai.429.rate_limit_exceeded
             1h disabled                                 - work                   new key
























        q quit  ? help  / filter  e explain  h history  c clear  d disable  D enable
    "#]].assert_eq(&screen(&model, 120, 40));
}

#[test]
fn what_is_selected_and_what_is_asked_is_seen_without_colours() {
    let mut model = model();
    model.type_keys("jd");
    let buffer = drawn(&model, 80, 24, false);
    let text = lines(&buffer);
    let at = text.iter().position(|line| line.starts_with("> ◐ cooling")).unwrap();
    assert!(buffer[(40, u16::try_from(at).unwrap())].modifier.contains(Modifier::REVERSED));
    assert_eq!(text[23], "Take out of use spare (d4e5f6) of openrouter? y/n");
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let coloured = drawn(&model, 80, 24, true);
    assert!(coloured.content.iter().any(|cell| cell.fg == Color::Yellow));
    assert_eq!(lines(&coloured), text, "colours say nothing that words do not");
}

#[test]
fn an_old_picture_is_marked_and_greyed() {
    let mut model = model();
    model.hear(News::Away, NOW + 12_000);
    let buffer = drawn(&model, 80, 24, true);
    let text = lines(&buffer);
    assert!(text[0].ends_with("NO DAEMON for 12s: this is how it was"), "{}", text[0]);
    let words = buffer.content[80..80 * 23].iter().filter(|cell| cell.symbol() != " ");
    assert!(words.clone().count() > 100, "it is still there");
    for cell in words {
        assert!(cell.modifier.contains(Modifier::DIM) && cell.fg == Color::Reset, "{cell:?}");
    }
}

#[test]
fn a_small_window_shows_what_fits_and_a_tiny_one_says_so() {
    let model = changed(|pool| {
        let rows = (0..30).map(|n| {
            let mut row = pool["credentials"][2].clone();
            row["id"] = json!(format!("{n:06}"));
            row["label"] = json!(format!("key-{n}"));
            row
        });
        pool["credentials"] = rows.collect();
        let leases = (0..30).map(|_| pool["leases_out"]["page"][0].clone());
        pool["leases_out"]["page"] = leases.collect();
    });
    let text = screen(&model, 80, 24);
    assert!(text.contains("  … and 20 more lines") && text.contains("aider/1.0"), "{text}");
    assert_eq!(text.lines().count(), 24);
    let mut model = model;
    model.type_keys("G");
    assert!(screen(&model, 60, 16).contains("> ✗ needs login"), "the selected row is in sight");
    assert_eq!(screen(&model, 59, 16).trim_end(), "This takes a window of 60x16 at least.");
    assert!(screen(&model, 12, 1).starts_with("This takes"));
}

#[test]
fn nothing_anywhere_is_said() {
    let empty = changed(|pool| {
        pool["credentials"] = json!([]);
        pool["leases_out"]["page"] = json!([]);
        pool["line"] = json!([]);
    });
    let text = screen(&empty, 80, 24);
    for said in ["no credential", "no lease is out", "nobody waits"] {
        assert!(text.contains(said), "{text}");
    }
    let mut model = model();
    model.picture.pool = None;
    assert!(screen(&model, 80, 24).contains("There is no pool: no definition has been read."));
}

#[test]
fn troubles_of_all_stand_at_the_top() {
    let mut model = changed(|pool| {
        pool["restrictions"] = json!([{
            "scope": "pool", "model": null, "kind": "overloaded", "status": 529, "reason": null,
            "until_at_ms": NOW + 12_000, "phase": "closed", "strikes": 1
        }]);
    });
    assert_eq!(lines(&drawn(&model, 80, 24, false))[1], "! the whole pool: overloaded 529, 12s left");
    model.picture.status.durable = false;
    model.picture.status.degraded = true;
    let text = lines(&drawn(&model, 80, 24, false));
    assert_eq!(text[1], "! the shared store is away: this machine goes on alone");
    assert!(text[2].starts_with("! 1 more, see `credpool status`; the disk is failing"), "{}", text[2]);
}

#[test]
fn hostile_and_wide_text_keeps_to_its_place() {
    let hostile = "\u{1b}[2Jevil\r\n\u{202e}\u{7}";
    let wide = "鍵鍵鍵鍵鍵鍵鍵鍵鍵鍵";
    let model = changed(|pool| {
        pool["credentials"][0]["label"] = json!(wide);
        pool["credentials"][1]["label"] = json!(hostile);
        pool["credentials"][1]["cause"]["reason"] = json!(hostile);
        pool["leases_out"]["page"][0]["holder"]["client"] = json!(hostile);
        pool["line"][0]["model"] = json!(hostile);
        pool["strategy"] = json!(hostile);
    });
    let buffer = drawn(&model, 80, 24, false);
    assert!(buffer.content.iter().all(|cell| !cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}')));
    let text = lines(&buffer);
    let row = text.iter().find(|line| line.starts_with("> ● ready")).unwrap();
    // Five of them and an ellipsis are 11 of 12 columns.
    assert_eq!(row, "> ● ready                           1/1 鍵鍵鍵鍵鍵…  a1b2c3");
}

#[test]
fn texts_are_read_over_the_tables() {
    let mut model = model();
    let text: String = (0..30).map(|n| format!("line {n}\n")).collect();
    model.hear(News::Told { title: "history openrouter d4e5f6".to_owned(), text }, NOW);
    let shown = lines(&drawn(&model, 80, 24, false));
    assert!(shown[1].starts_with("── history openrouter d4e5f6 ──"), "{shown:#?}");
    assert_eq!((&*shown[2], &*shown[21]), ("line 0", "line 19"));
    assert!(shown[22].starts_with("── more below ──"), "{shown:#?}");
    model.type_keys(" ");
    let shown = lines(&drawn(&model, 80, 24, false));
    assert!(shown.iter().any(|line| line == "line 29"), "{shown:#?}");
    model.type_keys("x?");
    let help = screen(&model, 80, 24);
    assert!(help.contains("── keys ──") && help.contains("any key goes back"), "{help}");
}

#[test]
fn of_many_pools_the_current_one_is_in_sight() {
    let mut model = model();
    let pools: Vec<Value> = (0..20)
        .map(|n| {
            let mut pool = pool();
            pool["name"] = json!(format!("pool-number-{n}"));
            pool
        })
        .chain([pool()])
        .collect();
    model.picture.status = super::super::model::tests::status(&pools);
    assert!(lines(&drawn(&model, 80, 24, false))[1].contains("[openrouter 1/3]"));
}
