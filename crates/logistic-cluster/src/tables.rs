//! Tables of an engine: files wherever they are, and what SQL makes of them.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::{ListingTable, ListingTableConfig, ListingTableConfigExt, ListingTableUrl};
use datafusion::prelude::{DataFrame, SessionContext};
use glob::Pattern;

/// What is to be fitted: files that are one table, or a query over named tables.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Files, folders and patterns; with a query each as NAME=FILE.
    pub(crate) data: Vec<String>,
    pub(crate) sql: Option<String>,
}

impl Source {
    /// The rows.
    pub(crate) async fn open(&self, context: &SessionContext) -> Result<DataFrame> {
        let Some(sql) = &self.sql else { return context.read_table(table(context, &self.data).await?) };
        for named in &self.data {
            let Some((name, file)) = named.split_once('=') else {
                let problem = format!("with --sql each table has a name, as in t={named}; found {named}");
                return Err(DataFusionError::Plan(problem));
            };
            context.register_table(name, table(context, &[file.to_string()]).await?)?;
        }
        context.sql(sql).await
    }
}

/// The files as one table; their format is told by their names.
async fn table(context: &SessionContext, files: &[String]) -> Result<Arc<dyn TableProvider>> {
    let urls = files.iter().map(|file| url(file)).collect::<Result<Vec<_>>>()?;
    let config = ListingTableConfig::new_with_multi_paths(urls).infer(&context.state()).await?;
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// A path or an address, in either of which the last parts may be a pattern.
fn url(file: &str) -> Result<ListingTableUrl> {
    let plain = |file| ListingTableUrl::parse(file);
    let (Some(scheme), Some(pattern)) = (file.find("://"), file.find(['*', '?', '['])) else { return plain(file) };
    // A `?` may begin the query of an address.
    if pattern < scheme || file[pattern..].starts_with('?') {
        return plain(file);
    }
    let cut = file[..pattern].rfind('/').map_or(pattern, |slash| slash + 1);
    let other = |error: &dyn std::fmt::Display| DataFusionError::Plan(format!("{file}: {error}"));
    let pattern = Pattern::new(&file[cut..]).map_err(|error| other(&error))?;
    let folder = url::Url::parse(&file[..cut]).map_err(|error| other(&error))?;
    ListingTableUrl::try_new(folder, Some(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_in_addresses_too() {
        let found = url("s3://bucket/year=2026/*.parquet").unwrap();
        assert_eq!(found.as_str(), "s3://bucket/year=2026/");
        assert_eq!(found.get_glob().as_ref().map(Pattern::as_str), Some("*.parquet"));
        assert!(url("http://host/file.parquet?version=3").unwrap().get_glob().is_none());
        assert!(url("/data/*.parquet").unwrap().get_glob().is_some());
    }
}
