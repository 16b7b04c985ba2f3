-- SQLite has no roles: the first wall, in every query, is the only one.
SELECT 1;
