//! Prisma 1: its data model, its data sets, its services.
//!
//! A neighbour of [`strapi`](crate::strapi): what a Prisma 1 service holds is exported and imported here, in the
//! Normalized Data Format of its own command line.
//!
//! | room | what it is for |
//! |---|---|
//! | [`sdl`] | the data model: types, fields, relations |
//! | [`ndf`] | data sets as files: nodes, lists, relations; in a zip or a folder |
//! | [`verify`] | what is wrong with a data set |
//! | [`project`] | `prisma.yml` and what it names |
//! | [`export`] | everything out of a service, also in several runs |
//! | [`import`] | a data set sent to a service, also in several runs |
//! | [`service`] | a running service: its requests and its token |
//! | [`convert`] | Strapi's content as a data set, and a data set as content of a Strapi |
//!
//! This room knows [`transfer`](crate::transfer), [`model`](crate::model) and [`store`](crate::store); nothing of it
//! leaks into those.

pub mod convert;
pub mod export;
pub mod import;
pub mod ndf;
pub mod project;
pub mod sdl;
pub mod service;
pub mod verify;

pub use crate::checking::{Event, Silent, Watch};
