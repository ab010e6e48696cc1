//! The rules of closing, in paused time, over pipes that hold an exact number of bytes.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::advance;

/// Answers each line with as many bytes as its first word says, and notes what it was asked. An answer to "… held" waits
/// for batch 1.
#[derive(Default)]
struct Echo {
    outbox: Rc<RefCell<Outbox>>,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Service for Echo {
    fn begin(&self) {}

    fn line(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).into_owned();
        let count = line.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let mut outbox = self.outbox.borrow_mut();
        outbox.bytes().extend(std::iter::repeat_n(b'.', count));
        if line.ends_with("held") {
            outbox.hold(count, 1);
        }
        drop(outbox);
        self.lines.borrow_mut().push(line);
    }

    fn too_long(&self) {
        self.lines.borrow_mut().push("too long".to_owned());
    }
}

struct Rig {
    client: DuplexStream,
    outbox: Rc<RefCell<Outbox>>,
    lines: Rc<RefCell<Vec<String>>>,
    hang_up: Rc<Notify>,
    end: JoinHandle<End>,
}

/// A connection over pipes of `pipe` bytes, with limits that are small enough to meet.
fn rig(pipe: usize) -> Rig {
    let (client, server) = duplex(pipe);
    let echo = Echo::default();
    let (outbox, lines) = (Rc::clone(&echo.outbox), Rc::clone(&echo.lines));
    let limits = Limits {
        request_line_bytes: 64,
        unsent_output_bytes: 1_000,
        unread_output_ms: 10_000,
        partial_line_ms: 10_000,
        ..Limits::default()
    };
    let hang_up = Rc::new(Notify::new());
    let heard = Rc::clone(&hang_up);
    let end = tokio::task::spawn_local(async move {
        let outbox = Rc::clone(&echo.outbox);
        serve(server, heard.notified(), &echo, &outbox, &limits).await
    });
    Rig { client, outbox, lines, hang_up, end }
}

/// Lets every task that can go on do so.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

async fn pass(ms: u64) {
    settle().await;
    advance(Duration::from_millis(ms)).await;
    settle().await;
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn a_client_that_half_closes_is_answered_and_then_closed() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(b"3 a\n5 b\nnever finished").await.unwrap();
        rig.client.shutdown().await.unwrap();
        let mut answer = String::new();
        rig.client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "........");
        assert_eq!(rig.end.await.unwrap(), End::Done);
        assert_eq!(*rig.lines.borrow(), ["3 a", "5 b"]);
    });
}

#[test]
fn a_client_that_half_closes_is_kept_until_it_is_owed_nothing() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(b"1 a\n").await.unwrap();
        rig.outbox.borrow_mut().owe();
        rig.client.shutdown().await.unwrap();
        pass(3_600_000).await;
        assert!(!rig.end.is_finished());
        {
            let mut outbox = rig.outbox.borrow_mut();
            outbox.bytes().extend(b"late");
            outbox.settle();
            outbox.wake();
        }
        let mut answer = String::new();
        rig.client.read_to_string(&mut answer).await.unwrap();
        assert_eq!((answer.as_str(), rig.end.await.unwrap()), (".late", End::Done));
    });
}

#[test]
fn a_client_that_hangs_up_is_gone_though_it_is_owed_an_answer() {
    run(async {
        let mut rig = rig(4_096);
        rig.outbox.borrow_mut().owe();
        rig.client.shutdown().await.unwrap();
        settle().await;
        assert!(!rig.end.is_finished());
        rig.hang_up.notify_one();
        assert_eq!(rig.end.await.unwrap(), End::Gone);
    });
}

#[test]
fn a_line_may_stay_unfinished_for_ten_seconds_and_no_longer() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(b"1 dri").await.unwrap();
        pass(5_000).await;
        // Another byte is not another line.
        rig.client.write_all(b"p").await.unwrap();
        pass(4_999).await;
        assert!(!rig.end.is_finished());
        pass(1).await;
        assert_eq!(rig.end.await.unwrap(), End::PartialLine);
    });
}

#[test]
fn each_line_has_its_own_ten_seconds() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(b"0 a").await.unwrap();
        pass(9_000).await;
        rig.client.write_all(b"\n0 b").await.unwrap();
        pass(9_000).await;
        assert!(!rig.end.is_finished());
        rig.client.write_all(b"\n").await.unwrap();
        pass(60_000).await;
        assert!(!rig.end.is_finished(), "an idle connection stays");
        assert_eq!(*rig.lines.borrow(), ["0 a", "0 b"]);
    });
}

#[test]
fn a_line_that_is_too_long_is_answered_and_skipped_within_its_ten_seconds() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(&[b'x'; 100]).await.unwrap();
        pass(9_999).await;
        assert_eq!(*rig.lines.borrow(), ["too long"]);
        rig.client.write_all(b"\n2 ok\n").await.unwrap();
        pass(0).await;
        assert_eq!(*rig.lines.borrow(), ["too long", "2 ok"]);
        rig.client.write_all(&[b'x'; 100]).await.unwrap();
        pass(10_000).await;
        assert_eq!(rig.end.await.unwrap(), End::PartialLine);
    });
}

/// The pipe takes one byte, so all others of a reply stay unsent.
async fn with_unsent(bytes: usize) -> Rig {
    let mut rig = rig(1);
    for byte in format!("{} x\n", bytes + 1).into_bytes() {
        rig.client.write_all(&[byte]).await.unwrap();
        settle().await;
    }
    assert_eq!(rig.outbox.borrow().unsent(), bytes);
    rig
}

#[test]
fn just_under_the_limit_replies_may_stay_unread() {
    run(async {
        let rig = with_unsent(999).await;
        pass(3_600_000).await;
        assert!(!rig.end.is_finished());
    });
}

#[test]
fn at_the_limit_they_may_stay_unread_for_ten_seconds() {
    for unsent in [1_000, 1_001] {
        run(async move {
            let rig = with_unsent(unsent).await;
            pass(9_999).await;
            assert!(!rig.end.is_finished());
            pass(1).await;
            assert_eq!(rig.end.await.unwrap(), End::Unread);
        });
    }
}

#[test]
fn reading_in_time_saves_the_connection() {
    run(async {
        let mut rig = with_unsent(1_000).await;
        pass(9_999).await;
        rig.client.read_u8().await.unwrap();
        pass(60_000).await;
        assert!(!rig.end.is_finished());
    });
}

#[test]
fn while_replies_are_unsent_nothing_is_read_but_what_was_read_is_answered_up_to_the_limit() {
    run(async {
        let mut rig = rig(256);
        rig.client.write_all(b"700 a\n700 b\n700 c\n").await.unwrap();
        settle().await;
        assert_eq!(*rig.lines.borrow(), ["700 a", "700 b"], "the third waits until there is room");
        rig.client.write_all(&[b'\n'; 256]).await.unwrap();
        settle().await;
        let full = tokio::time::timeout(Duration::from_millis(1), rig.client.write_all(b"\n")).await;
        assert!(full.is_err(), "the daemon read although it owed replies");
        let mut replies = [0; 2_100];
        rig.client.read_exact(&mut replies).await.unwrap();
        settle().await;
        assert_eq!(*rig.lines.borrow(), ["700 a", "700 b", "700 c"]);
    });
}

#[test]
fn draining_sends_what_is_owed_and_closes() {
    run(async {
        let mut rig = rig(4);
        rig.client.write_all(b"9\n").await.unwrap();
        settle().await;
        rig.outbox.borrow_mut().close();
        let mut answer = String::new();
        rig.client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, ".........");
        assert_eq!(rig.end.await.unwrap(), End::Drained);
    });
}

#[test]
fn a_reply_from_elsewhere_wakes_the_connection() {
    run(async {
        let mut rig = rig(64);
        settle().await;
        {
            let mut outbox = rig.outbox.borrow_mut();
            outbox.bytes().extend_from_slice(b"event\n");
            outbox.wake();
        }
        let mut event = [0; 6];
        rig.client.read_exact(&mut event).await.unwrap();
        assert_eq!(&event, b"event\n");
    });
}

#[test]
fn a_client_that_is_gone_ends_the_connection() {
    run(async {
        let mut rig = rig(1);
        rig.client.write_all(b"9\n").await.unwrap();
        settle().await;
        drop(rig.client);
        assert_eq!(rig.end.await.unwrap(), End::Gone);
    });
}

#[test]
fn what_waits_for_the_disk_waits_with_what_follows_it_and_other_lines_are_read() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(b"3 a\n5 held\n7 b\n").await.unwrap();
        pass(0).await;
        let mut first = [0; 3];
        rig.client.read_exact(&mut first).await.unwrap();
        rig.client.write_all(b"1 c\n").await.unwrap();
        pass(60_000).await;
        assert_eq!(*rig.lines.borrow(), ["3 a", "5 held", "7 b", "1 c"]);
        assert_eq!((rig.outbox.borrow().unsent(), rig.outbox.borrow().sendable()), (13, 0));
        assert!(!rig.outbox.borrow_mut().let_go(1, true));
        rig.client.read_exact(&mut [0; 13]).await.unwrap();
        assert!(!rig.end.is_finished());
    });
}

#[test]
fn what_waits_for_the_disk_is_bounded_and_no_reason_to_close() {
    run(async {
        let mut rig = rig(4_096);
        rig.client.write_all(b"1000 held\n5 a\n").await.unwrap();
        pass(60_000).await;
        assert_eq!(*rig.lines.borrow(), ["1000 held"], "no more is answered");
        assert!(!rig.end.is_finished(), "it is not the client that is slow");
        rig.client.shutdown().await.unwrap();
        rig.outbox.borrow_mut().let_go(1, true);
        let mut answer = Vec::new();
        rig.client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.len(), 1_005);
        assert_eq!(rig.end.await.unwrap(), End::Done);
    });
}

fn text(outbox: &mut Outbox) -> String {
    String::from_utf8(outbox.bytes().clone()).unwrap()
}

#[test]
fn only_an_answer_that_the_disk_did_not_keep_says_so() {
    let mut outbox = Outbox::default();
    for (line, batch) in
        [("{\"id\":1}\n", None), ("{\"id\":2}\n", Some(1)), ("{\"id\":3}\n", None), ("{\"id\":4}\n", Some(2))]
    {
        outbox.bytes().extend_from_slice(line.as_bytes());
        if let Some(batch) = batch {
            outbox.hold(line.len(), batch);
        }
    }
    assert_eq!(outbox.sendable(), 9);
    assert!(outbox.let_go(1, false));
    assert_eq!(text(&mut outbox), "{\"id\":1}\n{\"id\":2,\"durable\":false}\n{\"id\":3}\n{\"id\":4}\n");
    assert_eq!(outbox.sendable(), outbox.unsent() - 9);
    assert!(!outbox.let_go(u64::MAX, false));
    assert!(text(&mut outbox).ends_with("{\"id\":3}\n{\"id\":4,\"durable\":false}\n"));
    assert_eq!(outbox.sendable(), outbox.unsent());
}

#[test]
fn what_was_sent_is_let_go_while_something_waits() {
    let mut outbox = Outbox::default();
    outbox.bytes().extend(std::iter::repeat_n(b'.', SENT_BYTES));
    outbox.bytes().extend_from_slice(b"{\"id\":1}\n");
    outbox.hold(9, 1);
    outbox.took(SENT_BYTES);
    assert_eq!((outbox.bytes().len(), outbox.sendable()), (9, 0));
    outbox.let_go(1, false);
    assert_eq!(text(&mut outbox), "{\"id\":1,\"durable\":false}\n");
}

#[test]
fn an_event_waits_for_the_disk_like_an_answer() {
    let mut outbox = Outbox::default();
    outbox.event(b"{\"seq\":1}\n", 100, None);
    outbox.event(b"{\"seq\":2}\n", 100, Some(1));
    assert_eq!(outbox.sendable(), 10);
    assert!(!outbox.let_go(1, true));
    assert_eq!(outbox.sendable(), 20);
}

#[test]
fn whoever_is_behind_is_told_how_many_events_it_missed_once_it_has_read_all() {
    let mut outbox = Outbox::default();
    let line = b"{\"seq\":1}\n";
    outbox.event(line, 20, None);
    outbox.event(line, 20, None);
    assert_eq!(outbox.unsent(), 20, "as much as may be");
    outbox.event(line, 20, None);
    outbox.took(10);
    outbox.event(line, 20, None);
    assert_eq!(outbox.unsent(), 10, "there would be room again, but not for what came before");
    outbox.took(10);
    assert_eq!(text(&mut outbox), "{\"event\":\"lagged\",\"missed\":2}\n");
    let told = outbox.unsent();
    outbox.took(told);
    outbox.event(line, 20, None);
    assert_eq!(outbox.unsent(), 10);
}

#[test]
fn an_event_that_is_longer_than_may_be_is_missed_at_once() {
    let mut outbox = Outbox::default();
    outbox.event(b"{\"seq\":1}\n", 5, None);
    assert_eq!(text(&mut outbox), "{\"event\":\"lagged\",\"missed\":1}\n");
}
