//! What the classifier makes of real answers: the corpus in `tests/fixtures/vendors` and its form.

mod form;
mod row;
mod rules;
