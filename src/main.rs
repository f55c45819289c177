//! `backup`: exports and restores whole Strapi projects.

use std::process::ExitCode;

fn main() -> ExitCode {
    strapi_backup::cli::main()
}
