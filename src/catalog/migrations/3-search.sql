-- The search index. It holds only which trigrams stand in which image: what it
-- finds is compared with the image's own text afterwards, so that positions,
-- lengths and a second copy of the text need not be kept. The rows are filled in
-- by the program, which knows how the text of an image is put together.

CREATE VIRTUAL TABLE image_search USING fts5 (
  text,
  content = '',
  columnsize = 0,
  detail = none,
  tokenize = 'trigram'
);

-- Bytes of postings gathered in memory before a segment is written.
INSERT INTO image_search (image_search, rank) VALUES ('hashsize', 8388608);
