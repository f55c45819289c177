//! Prisma 1: its Normalized Data Format (NDF), and what of Strapi is what there.

pub mod convert;
