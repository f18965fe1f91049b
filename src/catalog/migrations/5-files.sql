-- What the files of platforms hold beside images, to be written with them again.

CREATE TABLE platform_files (
  format  TEXT NOT NULL,
  file    TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (format, file)
) STRICT, WITHOUT ROWID;
