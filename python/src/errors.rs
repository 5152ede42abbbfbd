//! The library's errors as Python's exceptions.

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

pyo3::create_exception!(
    logistic,
    Error,
    PyValueError,
    "What was given cannot be used. `kind` names the error; `path`, `line` and `column` say where it stands and `help` \
     what to try, each None where there is none."
);

/// The exception for an error of the library: an `OSError` where a file could not be read or written, otherwise
/// [`Error`].
pub(crate) fn raised(error: logistic::Error) -> PyErr {
    if let logistic::Error::Io { source, .. } = &error {
        return match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, error.to_string())),
            None => PyOSError::new_err(error.to_string()),
        };
    }
    let words = match error.help() {
        Some(help) => format!("{error}\nhelp: {help}"),
        None => error.to_string(),
    };
    let place = error.place();
    let exception = Error::new_err(words);
    Python::attach(|py| {
        let value = exception.value(py);
        let set = [
            value.setattr("kind", error.kind()),
            value.setattr("path", place.path),
            value.setattr("line", place.line),
            value.setattr("column", place.column),
            value.setattr("help", error.help()),
        ];
        set.into_iter().collect::<PyResult<()>>()
    })
    .map_or_else(|failed| failed, |()| exception)
}
