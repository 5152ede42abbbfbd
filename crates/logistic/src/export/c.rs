//! C: a function of a row, a struct with the columns in their order. C99 and its mathematical library are enough.

use std::fmt::Write;

use super::code::{DATES, Language, literal};
use super::computation::{Computation, Holds, Variable};
use super::document::Document;

const C: Language = Language {
    number: "double",
    whole: "int",
    list: |name, numbers| format!("static const double {name}[] = {{{numbers}}};"),
    is_nan: "isnan",
    abs: "fabs",
    log: "log",
    max: "fmax",
    exp: "exp",
    refuse: "return -1;",
};

const HELPERS: &str = "typedef struct { const char *word; int level; } logistic_word;

/* Words stand in the order of their bytes. */
static int logistic_find(const logistic_word *words, int n, const char *word, int unseen) {
  int low = 0, high = n;
  while (low < high) {
    int middle = (low + high) / 2;
    int order = strcmp(words[middle].word, word);
    if (order == 0) return words[middle].level;
    if (order < 0) low = middle + 1; else high = middle;
  }
  return unseen;
}
#define logistic_level(words, word, unseen) \\
  logistic_find(words, (int)(sizeof(words) / sizeof(words[0])), word, unseen)
";

const CUBE: &str = "
static double logistic_cube(double x) {
  double beyond = fmax(x, 0);
  return beyond * beyond * beyond;
}
";

/// The text of the file.
pub(super) fn write(document: &Document<'_, '_>) -> String {
    let computation = document.computation;
    // No end and no beginning of a comment, and no line that a backslash would continue.
    let line = |line: &String| format!(" * {} \n", line.replace("*/", "*\\/").replace("/*", "/\\*"));
    let mut text = format!("/*\n{} */\n\n", document.lines().iter().map(line).collect::<String>());
    text.push_str("#include <math.h>\n#include <string.h>\n\n");
    let holds = |holds: Holds| computation.inputs.iter().any(|input| input.holds == holds);
    if holds(Holds::Text) {
        text.push_str(HELPERS);
    }
    let bends = |variable: &Variable| matches!(variable, Variable::Number(number) if !number.bends.is_empty());
    if computation.variables.iter().any(bends) {
        text.push_str(CUBE);
    }
    if holds(Holds::Date) {
        text.push_str(&dates());
    }
    for line in words(computation).into_iter().chain(C.tables(computation)) {
        let _ = writeln!(text, "{line}");
    }
    let n_classes = computation.classes().len();
    let _ = write!(
        text,
        "\n/* Numbers are NaN where they are missing, dates are days since 1970-01-01, words are NULL or empty. */\n\
         typedef struct {{\n{}}} logistic_row;\n\n{}\n#define LOGISTIC_PROBABILITIES {}\n\n\
         static int logistic_score(const logistic_row *row, double *probability) {{\n",
        members(computation),
        labels(computation),
        if computation.is_softmax() { n_classes } else { 1 }
    );
    for line in body(computation) {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("}\n");
    text.push_str(ENTRY);
    text
}

/// The function that callers see: it leaves NaN where a row is refused.
const ENTRY: &str = "
/* Writes the probability of the positive class of two, or of every class of more, and gives the number of the class that
   the row is called; where the row is refused, NaN and -1. */
int logistic_probability(const logistic_row *row, double *probability) {
  int called = logistic_score(row, probability);
  if (called < 0) {
    for (int k = 0; k < LOGISTIC_PROBABILITIES; k++) probability[k] = NAN;
  }
  return called;
}
";

/// A string as C reads it in any character set.
fn quoted(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' '..=b'~' if !matches!(byte, b'"' | b'\\' | b'?') => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    format!("\"{}\"", text.bytes().map(byte).collect::<String>())
}

/// The name of a member: its number, which makes it another than any other and than every keyword, and the letters of the
/// column.
fn member(at: usize, name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("c{at}_{}", name.chars().map(letter).collect::<String>())
}

fn members(computation: &Computation<'_>) -> String {
    let line = |(at, input): (usize, &super::computation::Input<'_>)| {
        let kind = if input.holds == Holds::Text { "const char *" } else { "double " };
        format!("  {kind}{};\n", member(at, input.name))
    };
    match computation.inputs.is_empty() {
        true => "  double none;\n".to_string(),
        false => computation.inputs.iter().enumerate().map(line).collect(),
    }
}

fn labels(computation: &Computation<'_>) -> String {
    let names: Vec<String> = computation.classes().iter().map(|class| quoted(class)).collect();
    format!("const char *const logistic_labels[] = {{{}}};", names.join(", "))
}

fn dates() -> String {
    let body = DATES.replace("NUMBER", "double").replace("FLOOR", "floor").replace("ABS", "fabs").replace("===", "==");
    format!(
        "\nstatic double logistic_part(double days, int part) {{\n{body}\n}}\n\n\
         static inline int logistic_date_level(const int *levels, double days, int part) {{\n  \
         double at = logistic_part(days, part);\n  return isnan(at) ? -1 : levels[(int)at];\n}}\n"
    )
}

fn words(computation: &Computation<'_>) -> Vec<String> {
    let of = |(at, variable): (usize, &Variable)| match variable {
        Variable::Number(_) => None,
        Variable::Category(category) => Some(match category.part {
            None => {
                let mut known: Vec<&(String, usize)> = category.known.iter().collect();
                known.sort_unstable();
                let words: Vec<String> =
                    known.iter().map(|(word, level)| format!("{{{}, {level}}}", quoted(word))).collect();
                format!("static const logistic_word w{at}[] = {{{}}};", words.join(", "))
            }
            Some(part) => {
                let levels = category.calendar(part).into_iter();
                let levels: Vec<String> =
                    levels.map(|level| level.map_or(-1, |level| level as i64).to_string()).collect();
                format!("static const int w{at}[] = {{{}}};", levels.join(", "))
            }
        }),
    };
    computation.variables.iter().enumerate().filter_map(of).collect()
}

fn body(computation: &Computation<'_>) -> Vec<String> {
    let mut lines = vec!["(void)row;".to_string()];
    for (at, input) in computation.inputs.iter().enumerate() {
        let kind = if input.holds == Holds::Text { "const char *" } else { "double " };
        lines.push(format!("{kind}x{at} = row->{};", member(at, input.name)));
        let missing = C.is_missing(computation, at).unwrap_or_else(|| format!("x{at} == NULL || x{at}[0] == '\\0'"));
        lines.push(format!("int m{at} = {missing};"));
        lines.push(format!("(void)m{at};"));
    }
    lines.extend(C.variables(computation));
    lines.extend(C.logits(computation));
    lines.extend(C.softmax(computation));
    for (k, probability) in C.probabilities(computation).into_iter().enumerate() {
        lines.push(format!("probability[{k}] = {probability};"));
    }
    let model = computation.model;
    if !computation.is_softmax() {
        lines.push(format!("return probability[0] >= {} ? 1 : 0;", literal(model.threshold)));
        return lines;
    }
    let n_classes = computation.classes().len();
    let weight = |k: usize| literal(model.class_weight.get(k).copied().unwrap_or(1.0));
    let weights: Vec<String> = (0..n_classes).map(weight).collect();
    lines.push(format!("static const double weight[] = {{{}}};", weights.join(", ")));
    lines.push("int called = 0;".to_string());
    lines.push(format!("for (int k = 1; k < {n_classes}; k++)"));
    lines.push("  if (probability[k] * weight[k] > probability[called] * weight[called]) called = k;".to_string());
    lines.push("return called;".to_string());
    lines
}
