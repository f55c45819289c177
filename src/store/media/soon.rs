//! Not there yet.
use super::*;
use crate::error::Error;
use crate::store::Access;
pub(crate) struct AzureSettings {
    pub account: String,
    pub key: Option<String>,
    pub sas_token: Option<String>,
    pub container: String,
    pub endpoint: Option<String>,
}
pub(crate) struct GoogleSettings {
    pub bucket: String,
    pub service_account_json: Option<String>,
    pub base_url: Option<String>,
}
pub(crate) struct Store;
impl Store {
    pub fn azure(_: &AzureSettings, _: &Access) -> Result<Self> {
        Err(Error::failed("not there yet"))
    }
    pub fn google(_: &GoogleSettings, _: &Access) -> Result<Self> {
        Err(Error::failed("not there yet"))
    }
}
macro_rules! soon {
    ($it:ty) => {
        impl Objects for $it {
            fn place(&self, key: &str) -> String {
                key.into()
            }
            fn look(&self, _: &str) -> Result<Option<About>> {
                Ok(None)
            }
            fn open(&self, _: &str) -> Result<Option<Content>> {
                Ok(None)
            }
            fn put(&self, _: &str, _: Body<'_>, _: &Attributes) -> Result<()> {
                Ok(())
            }
            fn copy(&self, _: &str, _: &str, _: Option<&Attributes>) -> Result<bool> {
                Ok(false)
            }
            fn remove(&self, _: &str) -> Result<()> {
                Ok(())
            }
            fn list(
                &self,
                _: &str,
                _: &mut dyn FnMut(&str, About) -> Result<()>,
            ) -> Result<()> {
                Ok(())
            }
        }
    };
}
soon!(Store);
