//! `strapi-provider-upload-azure-storage`: Azure's Blob Storage.

use super::options::Options;
use super::{Base, Provider, Rule, address, encoded, lacks};
use crate::error::Result;
use crate::store::media::{Attributes, AzureSettings, Store};
use std::sync::Arc;

const NAME: &str = "azure-storage";

pub(super) fn provider(options: &Options<'_>) -> Result<Provider> {
    let own = options.own;
    let account = own.at("account").trimmed();
    let account = account.ok_or_else(|| lacks(NAME, "account"))?;
    let container = own.at("containerName").trimmed();
    let container = container.ok_or_else(|| lacks(NAME, "containerName"))?;
    let endpoint = own.at("serviceBaseURL").trimmed();
    let service = endpoint.clone();
    let service = service.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
    let service = service.trim_end_matches('/').to_owned();
    let by_machine = own.at("authType").text().as_deref() == Some("msi");
    let secret = |name| own.at(name).trimmed().filter(|_| !by_machine);
    let settings = AzureSettings {
        account,
        key: secret("accountKey"),
        sas_token: secret("sasToken"),
        container: container.clone(),
        endpoint: endpoint
            .as_deref()
            .map(|url| address(NAME, url))
            .transpose()?,
    };
    let folder = own.at("defaultPath").trimmed().unwrap_or_default();
    let in_container = format!("{service}/{}", encoded(&container));
    let mut bases = Vec::new();
    if let Some(cdn) = own.at("cdnBaseURL").trimmed() {
        bases.push(match own.at("removeCN").text().as_deref() {
            Some("true") => Base::encoding(&cdn),
            _ => Base::encoding(&format!("{cdn}/{}", encoded(&container))),
        });
    } else if own.at("removeCN").text().as_deref() == Some("true") {
        bases.push(Base::encoding(&service));
    }
    bases.push(Base::encoding(&in_container));
    Ok(Provider {
        name: NAME.into(),
        prefix: format!("{folder}/"),
        attributes: Attributes {
            cache_control: own.at("defaultCacheControl").trimmed(),
            ..Attributes::default()
        },
        bases,
        // It has no folders of uploads.
        rule: Rule::Named { sanitised: true },
        connect: Box::new(move |access| Ok(Arc::new(Store::azure(access, &settings)?))),
    })
}
