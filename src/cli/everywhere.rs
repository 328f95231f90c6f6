//! What every command takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Everywhere {
    /// The project folder, which holds cluster.kdl; several, or 'clusters/*', to look at each
    /// [default: this folder, or the nearest above it]
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Vec<PathBuf>,
    /// Whether to print in colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub color: Color,
    /// Print nothing but the product and errors: no notes, no progress
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}
