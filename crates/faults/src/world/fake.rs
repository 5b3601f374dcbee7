//! A world in memory. To be written.
