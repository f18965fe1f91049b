-- The table of stored images made anew: a path is bytes, not text; the file's
-- SHA-256 is kept, by which a moved file is found again; a record without a
-- version has the empty one, so that there is only one of it.

ALTER TABLE stored_images RENAME TO stored_images_before;

CREATE TABLE stored_images (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  collection TEXT NOT NULL,
  name       TEXT NOT NULL,
  tag        TEXT NOT NULL,
  version    TEXT NOT NULL,
  uri        TEXT NOT NULL GENERATED ALWAYS AS (
               collection || '/' || name || ':' || tag || iif(version = '', '', '@' || version)
             ) VIRTUAL,
  client     TEXT NOT NULL,
  -- The path of the file, unset where only the reference is recorded.
  path       BLOB,
  url        TEXT,
  size       INTEGER,
  sha256     TEXT,
  -- A JSON object: what was said of the image.
  metadata   TEXT,
  -- A JSON object of strings.
  labels     TEXT,
  created_at TEXT NOT NULL,
  -- A tag stands for the version of it that was added last.
  added      INTEGER NOT NULL,
  UNIQUE (collection, name, tag, version)
) STRICT;

INSERT OR IGNORE INTO stored_images (id, collection, name, tag, version, client, path, url, size,
  metadata, labels, created_at, added)
SELECT id, collection, name, tag, coalesce(version, ''), client, CAST(path AS BLOB), url, size,
  metadata, labels, created_at, id
FROM stored_images_before ORDER BY id DESC;

DROP TABLE stored_images_before;

CREATE INDEX stored_images_by_path ON stored_images (path) WHERE path IS NOT NULL;
