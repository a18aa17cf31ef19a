//! The rules one by one, then any operations in any order against what must always hold.
