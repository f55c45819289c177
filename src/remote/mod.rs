//! A running Strapi.
mod push;
