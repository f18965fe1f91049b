-- What each of the two references of an image was last seen to point to.

CREATE TABLE sightings (
  image_id   INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  reference  TEXT NOT NULL CHECK (reference IN ('url', 'urlForGpu')),
  digest     TEXT,
  media_type TEXT,
  size       INTEGER,
  platforms  TEXT,
  labels     TEXT,
  seen_at    TEXT,
  problem    TEXT,
  PRIMARY KEY (image_id, reference)
) STRICT, WITHOUT ROWID;
