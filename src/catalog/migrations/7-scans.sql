-- What the last scan of what a reference points to found: a JSON object that holds
-- the digest of which it tells.

ALTER TABLE sightings ADD COLUMN scan TEXT;
