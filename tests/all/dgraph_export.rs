//! `backup dgraph export`.
