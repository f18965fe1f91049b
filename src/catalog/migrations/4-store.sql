-- Files and references kept or recorded on this machine, and entries of
-- imported files that are kept though they are not valid.

CREATE TABLE stored_images (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  collection TEXT NOT NULL,
  name       TEXT NOT NULL,
  tag        TEXT NOT NULL,
  version    TEXT,
  client     TEXT NOT NULL,
  -- The path of the file, unset where only the reference is recorded.
  path       TEXT,
  url        TEXT,
  size       INTEGER,
  metadata   TEXT,
  labels     TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (collection, name, tag, version)
) STRICT;

CREATE TABLE invalid_entries (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  format      TEXT NOT NULL,
  name        TEXT NOT NULL,
  reason      TEXT NOT NULL,
  raw         BLOB NOT NULL,
  source      TEXT,
  imported_at TEXT NOT NULL,
  UNIQUE (format, name)
) STRICT;
