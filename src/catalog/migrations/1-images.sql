-- Images, who may use them, the descriptions of secrets, and every change.

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  sequence     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  display_name  TEXT NOT NULL,
  type          TEXT NOT NULL CHECK (type IN ('kubernetes', 'opaque')),
  registry_host TEXT,
  username      TEXT,
  kept_in       TEXT,
  sequence      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `id` is the order of creation; it is never used twice.
CREATE TABLE images (
  id                    INTEGER PRIMARY KEY AUTOINCREMENT,
  name                  TEXT NOT NULL UNIQUE,
  display_name          TEXT NOT NULL,
  description           TEXT,
  type                  TEXT NOT NULL CHECK (type IN ('cpu', 'gpu', 'both')),
  url                   TEXT,
  url_for_gpu           TEXT,
  use_image_pull_secret TEXT REFERENCES secrets (id),
  pull_secret           TEXT,
  global                INTEGER NOT NULL CHECK (global IN (0, 1)),
  is_ready              INTEGER CHECK (is_ready IN (0, 1)),
  image_spec            TEXT,
  job_status            TEXT,
  pull_policy           TEXT,
  tags                  TEXT,
  labels                TEXT,
  kind                  TEXT,
  command               TEXT,
  picture               TEXT,
  author                TEXT,
  archived              INTEGER NOT NULL CHECK (archived IN (0, 1)),
  formats               TEXT,
  pinned_tag            TEXT,
  extra                 TEXT,
  apply_set             TEXT,
  created_at            TEXT NOT NULL,
  updated_at            TEXT NOT NULL,
  revision              INTEGER NOT NULL
) STRICT;

CREATE INDEX images_by_secret ON images (use_image_pull_secret)
  WHERE use_image_pull_secret IS NOT NULL;

CREATE INDEX images_by_apply_set ON images (apply_set) WHERE apply_set IS NOT NULL;

CREATE TABLE image_groups (
  image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  group_id TEXT NOT NULL REFERENCES groups (id),
  PRIMARY KEY (image_id, group_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX image_groups_by_group ON image_groups (group_id, image_id);

-- One row a change, in the transaction of the change. `before` and `after`
-- are JSON objects of the fields that changed.
CREATE TABLE changes (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       TEXT NOT NULL,
  author   TEXT NOT NULL,
  action   TEXT NOT NULL,
  subject  TEXT NOT NULL,
  name     TEXT NOT NULL,
  revision INTEGER NOT NULL,
  before   TEXT,
  after    TEXT
) STRICT;

CREATE INDEX changes_by_name ON changes (name, subject);
