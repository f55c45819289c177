//! `backup drill`: real archives of both majors come back, and those that were tampered with do not.
