"""About two hundred queries, and awkward data for them."""

from __future__ import annotations

COLUMNS = ("city", "sky", "degrees", "note", "n")

ROWS: list[tuple[str | None, ...]] = [
    ("Lima", "fog", "17", "plain", "1"),
    ("Cairo", "clear", "31", 'says "hot"', "2"),
    ("Oslo", "fog", "-4", "two\nlines", "3"),
    ("São Paulo", "rain", "22.5", "a,b,c", "4"),
    ("København", "RAIN", "0.1", "ÆØÅ æøå", "5"),
    ("東京", "clear", "0.2", "雨", "6"),
    ("Lima", None, None, None, "7"),
    ("Quito", "Fog", "007", "leading zeros", "8"),
    ("Quito", "fog", " 12 ", "blanks around", "9"),
    ("Bogotá", "fog", "1_000", "underscore", "10"),
    ("Bogotá", "clear", "nan", "not a number", "11"),
    ("Bogotá", "clear", "inf", "", "12"),
    ("Bogotá", "clear", "0x10", "hex", "13"),
    ("Lagos", "rain", "1e3", "exponent", "14"),
    ("Lagos", "rain", "+5", "plus", "15"),
    ("Lagos", "rain", ".5", "no zero", "16"),
    ("Lagos", "rain", "5.", "no digits", "17"),
    ("Delhi", "clear", "9223372036854775807", "the largest", "18"),
    ("Delhi", "clear", "9223372036854775808", "one more", "19"),
    ("Delhi", "clear", "-9223372036854775808", "the smallest", "20"),
    ("Delhi", "clear", "1e400", "too large", "21"),
    ("Delhi", "clear", "123456789012345678901234567890", "huge", "22"),
    ("Perth", "haze", "٣", "Arabic digit", "23"),
    ("Perth", "haze", "3.0", "whole", "24"),
    ("Perth", "haze", "3", "the same", "25"),
    ("Perth", "haze", "1e-5", "small", "26"),
    ("Perth", "haze", "-0", "minus zero", "27"),
    ("Perth", "haze", "-0.0", "minus zero", "28"),
    ("O'Hare", "50%", "12abc", "100%_done", "29"),
    ("O'Hare", "_", "", "a_b", "30"),
    ("", "clear", "8", "no city", "31"),
    ("emoji 😀", "clear", "9", "\t tab", "32"),
    ("cr", "clear", "10", "old\rmac", "33"),
    ("crlf", "clear", "11", "dos\r\nfile", "34"),
    ("lima", "FOG", "17.0", "lower", "35"),
    ("Lima", "fog", "17", "plain", "36"),
]

_NUMBERS = "WHERE degrees BETWEEN -1e6 AND 1e6"

ROW_QUERIES = """
SELECT * FROM o
SELECT o.* FROM o
SELECT city FROM o
SELECT n, city FROM o
SELECT city, city FROM o
SELECT CITY, "sky", [degrees], `note` FROM o
SELECT t.city FROM o AS t
SELECT degrees FROM o
SELECT typeof(degrees), n FROM o
SELECT degrees + 1, n FROM o
SELECT degrees - 1, n FROM o
SELECT degrees * 2, n FROM o
SELECT degrees / 2, n FROM o
SELECT degrees / 0, n FROM o
SELECT degrees % 7, n FROM o
SELECT degrees % 0, n FROM o
SELECT -degrees, n FROM o
SELECT +degrees, n FROM o
SELECT - - degrees, n FROM o
SELECT n / 7, n % 7, n * 7, n - 7, n + 7 FROM o
SELECT n / 2.0 FROM o
SELECT 7 / 2, 7 / 2.0, -7 / 2, -7 % 3, 7 % -3, 7.5 % 2 FROM o
SELECT 9223372036854775807 + n, n FROM o
SELECT -9223372036854775808 - n, n FROM o
SELECT 9223372036854775807 * n, n FROM o
SELECT city || ' ' || sky, n FROM o
SELECT degrees || '', n FROM o
SELECT n || 0.1 * 2, n FROM o
SELECT 0.1 || '', 1.0 || '', 1e20 || '', 1e-7 || '', 100000.5 || '' FROM o
SELECT n FROM o WHERE degrees > 10
SELECT n FROM o WHERE degrees >= 17
SELECT n FROM o WHERE degrees < 0
SELECT n FROM o WHERE degrees <= 0
SELECT n FROM o WHERE degrees = 17
SELECT n FROM o WHERE degrees == 7
SELECT n FROM o WHERE degrees = '17'
SELECT n FROM o WHERE degrees = '007'
SELECT n FROM o WHERE degrees = 'nan'
SELECT n FROM o WHERE degrees != 17
SELECT n FROM o WHERE degrees <> '17'
SELECT n FROM o WHERE +degrees = '17'
SELECT n FROM o WHERE degrees > '10'
SELECT n FROM o WHERE '10' < degrees
SELECT n FROM o WHERE degrees > 'a'
SELECT n FROM o WHERE degrees = 9223372036854775807
SELECT n FROM o WHERE degrees = 9223372036854775808
SELECT n FROM o WHERE degrees = 3
SELECT n FROM o WHERE degrees = 3.0
SELECT n FROM o WHERE degrees = 0
SELECT n FROM o WHERE degrees IS NULL
SELECT n FROM o WHERE degrees IS NOT NULL
SELECT n FROM o WHERE degrees ISNULL
SELECT n FROM o WHERE degrees NOTNULL
SELECT n FROM o WHERE degrees IS 17
SELECT n FROM o WHERE degrees IS NOT 17
SELECT n FROM o WHERE degrees IS '17'
SELECT n FROM o WHERE degrees IS DISTINCT FROM 17
SELECT n FROM o WHERE degrees IS NOT DISTINCT FROM 17
SELECT n FROM o WHERE degrees BETWEEN 5 AND 20
SELECT n FROM o WHERE degrees NOT BETWEEN 5 AND 20
SELECT n FROM o WHERE degrees BETWEEN '5' AND '20'
SELECT n FROM o WHERE degrees IN (7, 17, 31)
SELECT n FROM o WHERE degrees IN ('7', '17')
SELECT n FROM o WHERE degrees IN ('007')
SELECT n FROM o WHERE degrees NOT IN (7, 17, 31)
SELECT n FROM o WHERE degrees IN (7, NULL)
SELECT n FROM o WHERE degrees NOT IN (7, NULL)
SELECT n FROM o WHERE degrees IN ()
SELECT n FROM o WHERE degrees NOT IN ()
SELECT n FROM o WHERE '17' IN (degrees, n)
SELECT n FROM o WHERE 17 IN (degrees, n)
SELECT n FROM o WHERE sky = 'fog'
SELECT n FROM o WHERE sky = 'FOG'
SELECT n FROM o WHERE lower(sky) = 'fog'
SELECT n FROM o WHERE upper(sky) = 'FOG'
SELECT n FROM o WHERE sky LIKE 'fog'
SELECT n FROM o WHERE sky LIKE 'f%'
SELECT n FROM o WHERE sky NOT LIKE 'f%'
SELECT n FROM o WHERE city LIKE '_i%'
SELECT n FROM o WHERE city LIKE 'københavn'
SELECT n FROM o WHERE city LIKE 'KØBENHAVN'
SELECT n FROM o WHERE note LIKE '%two%lines%'
SELECT n FROM o WHERE note LIKE '100!%!_%' ESCAPE '!'
SELECT n FROM o WHERE note LIKE NULL
SELECT n FROM o WHERE degrees LIKE '1%'
SELECT n FROM o WHERE city GLOB 'L*'
SELECT n FROM o WHERE city GLOB '[LQ]*'
SELECT n FROM o WHERE city GLOB '?i*'
SELECT n FROM o WHERE city NOT GLOB '*a'
SELECT n FROM o WHERE sky IN ('fog', 'clear') AND degrees > 10
SELECT n FROM o WHERE sky = 'fog' OR degrees > 100
SELECT n FROM o WHERE NOT sky = 'fog'
SELECT n FROM o WHERE NOT (sky = 'fog' OR degrees > 10)
SELECT n FROM o WHERE sky = 'fog' AND (degrees IS NULL OR degrees < 10)
SELECT n FROM o WHERE degrees
SELECT n FROM o WHERE NOT degrees
SELECT n FROM o WHERE note
SELECT n FROM o WHERE city < 'M'
SELECT n FROM o WHERE city > 'Ø'
SELECT n FROM o WHERE city = ''
SELECT n FROM o WHERE city = 'O''Hare'
SELECT n FROM o WHERE note = 'two
lines'
SELECT n FROM o WHERE instr(note, char(10)) > 0
SELECT n FROM o WHERE length(note) = 5
SELECT n FROM o WHERE degrees = n
SELECT n FROM o WHERE degrees > n
SELECT n FROM o WHERE degrees = CAST(n AS TEXT)
SELECT n FROM o WHERE CAST(degrees AS TEXT) = 17
SELECT n FROM o WHERE CAST(degrees AS TEXT) = '17'
SELECT n FROM o WHERE CAST(degrees AS TEXT) > CAST(n AS TEXT)
SELECT n FROM o WHERE CAST(degrees AS INTEGER) = 12
SELECT n FROM o WHERE (degrees = 17) = 1
SELECT n FROM o WHERE degrees + 0 = '17'
SELECT n, degrees = 17, degrees > 'x', sky < 'g' FROM o
SELECT n, degrees AND 1, degrees OR 0, NOT degrees FROM o
SELECT n, sky IS NULL, NULL IS NULL, NULL = NULL FROM o
SELECT n, degrees IS TRUE, degrees IS NOT TRUE, degrees IS FALSE, degrees IS NOT (FALSE), sky IS TRUE FROM o
SELECT n, degrees > 10 IS TRUE, TRUE IS degrees, degrees IS NOT DISTINCT FROM TRUE, degrees = TRUE FROM o
SELECT n FROM o WHERE degrees IS TRUE
SELECT n FROM o WHERE sky IS NOT FALSE
SELECT *, n * 2 AS twice FROM o WHERE twice > 10
SELECT CURRENT_DATE > '2020', "n" FROM o
SELECT length(city), length(degrees), length(note), n FROM o
SELECT lower(city), upper(city), n FROM o
SELECT substr(city, 2), substr(city, 2, 3), substr(city, -3), substr(city, -3, 2), substr(city, 2, -1), n FROM o
SELECT substr(city, 0), substr(city, 0, 2), substr(degrees, 1, 2), substring(city, 1, 1), n FROM o
SELECT trim(degrees), ltrim(note), rtrim(note), trim(city, 'aL'), n FROM o
SELECT replace(note, 'a', 'XX'), replace(city, '', 'x'), replace(degrees, 1, 2), n FROM o
SELECT instr(city, 'a'), instr(degrees, 2), n FROM o
SELECT abs(degrees), n FROM o WHERE degrees > -9223372036854775808
SELECT round(degrees), round(degrees, 1), n FROM o WHERE degrees BETWEEN -1e15 AND 1e15
SELECT round(2.5), round(-2.5), round(0.15, 1), round(1234.5678, -2), round('2.7') FROM o
SELECT sign(degrees), n FROM o
SELECT coalesce(degrees, sky, n), ifnull(degrees, 'none'), nullif(sky, 'fog'), nullif(degrees, 17), n FROM o
SELECT nullif(degrees, '17'), n FROM o
SELECT iif(degrees > 10, 'warm', 'cold'), n FROM o
SELECT min(degrees, n), max(degrees, n), n FROM o
SELECT max(degrees, sky), min(sky, city, note), n FROM o
SELECT CASE WHEN degrees > 20 THEN 'hot' WHEN degrees > 10 THEN 'mild' ELSE 'cold' END, n FROM o
SELECT CASE degrees WHEN '17' THEN 'a' WHEN 7 THEN 'b' END, n FROM o
SELECT CASE sky WHEN NULL THEN 1 WHEN 'fog' THEN 2 END, n FROM o
SELECT CASE CAST(degrees AS TEXT) WHEN 17 THEN 1 ELSE 0 END, n FROM o
SELECT CAST(degrees AS INTEGER), CAST(degrees AS TEXT), CAST(degrees AS NUMERIC), n FROM o
SELECT CAST(degrees AS REAL), n FROM o WHERE degrees BETWEEN -1e15 AND 1e15
SELECT CAST(note AS INTEGER), CAST(note AS REAL), CAST(' 12.5x' AS REAL), CAST('1e3' AS INTEGER), n FROM o
SELECT CAST(2.9 AS INTEGER), CAST(-2.9 AS INTEGER), CAST(1e30 AS INTEGER), CAST('abc' AS NUMERIC) FROM o
SELECT 'text', 1, 1.5, NULL, TRUE, FALSE, -1, 'it''s' FROM o
SELECT 0x10, 1e3, .5, 5., 1e400 > 1 FROM o
SELECT n AS number FROM o WHERE number > 30
SELECT hex(city), n FROM o
SELECT quote(note), n FROM o
SELECT unicode(city), char(n + 64), n FROM o
SELECT printf('%05d', n), n FROM o
SELECT n & 3, n | 8, n << 2, n >> 1, ~n FROM o
SELECT n FROM o WHERE hex(sky) = '666F67' AND degrees > 0
SELECT date('2026-11-29', '+' || n || ' days'), n FROM o
SELECT n FROM o WHERE like('f%', sky)
SELECT json_quote(note), n FROM o
""".strip()

ORDERED_QUERIES = """
SELECT n FROM o ORDER BY n DESC
SELECT n FROM o ORDER BY n LIMIT 5
SELECT n FROM o ORDER BY n LIMIT 5 OFFSET 3
SELECT n FROM o ORDER BY n LIMIT 3, 5
SELECT n FROM o ORDER BY n LIMIT -1 OFFSET 30
SELECT n FROM o LIMIT 5
SELECT n FROM o LIMIT 5 OFFSET 13
SELECT n FROM o LIMIT 100
SELECT n FROM o LIMIT 0
SELECT n FROM o WHERE sky = 'clear' LIMIT 4
SELECT hex(n) FROM o LIMIT 4
SELECT n FROM o WHERE hex(sky) = '666F67' LIMIT 2
SELECT degrees, n FROM o ORDER BY degrees, n
SELECT degrees, n FROM o ORDER BY degrees DESC, n
SELECT degrees, n FROM o ORDER BY 1, 2
SELECT degrees, n FROM o ORDER BY degrees NULLS LAST, n
SELECT degrees, n FROM o ORDER BY degrees DESC NULLS FIRST, n
SELECT degrees AS d, n FROM o ORDER BY d, n
SELECT degrees AS n FROM o WHERE degrees < 100 ORDER BY n, o.n
SELECT -degrees AS degrees, n FROM o ORDER BY degrees, n
SELECT city, n FROM o ORDER BY city, n
SELECT city, n FROM o ORDER BY lower(city), n
SELECT city, n FROM o ORDER BY length(city), n DESC
SELECT n FROM o WHERE sky = 'fog' ORDER BY degrees * -1, n
SELECT sky, count(*) FROM o GROUP BY sky ORDER BY count(*) DESC, sky
SELECT sky, count(*) AS c FROM o GROUP BY sky ORDER BY c, sky DESC
SELECT sky, count(*) FROM o GROUP BY sky ORDER BY 2 DESC, 1 LIMIT 3
SELECT sky, count(*) FROM o GROUP BY sky
SELECT sky, count(*) FROM o GROUP BY sky LIMIT 3 OFFSET 1
SELECT degrees, count(*) FROM o GROUP BY degrees
SELECT DISTINCT sky FROM o ORDER BY sky
SELECT DISTINCT degrees FROM o ORDER BY degrees DESC
SELECT DISTINCT length(city) AS l FROM o ORDER BY l
SELECT sky, group_concat(n) FROM o GROUP BY sky
SELECT n FROM o ORDER BY +1
SELECT n, degrees FROM o ORDER BY - -2 DESC, (+1)
SELECT *, n * -2 AS twice FROM o ORDER BY twice
SELECT n, -1 AS k FROM o ORDER BY -k, n
SELECT n * -2 AS n, * FROM o ORDER BY n
SELECT *, n * -2 AS n FROM o ORDER BY n
SELECT n FROM o ORDER BY CASE WHEN sky = 'fog' THEN 0 ELSE 1 END, n
""".strip()

GROUP_QUERIES = f"""
SELECT count(*) FROM o
SELECT count() FROM o
SELECT count(degrees), count(sky), count(1), count(NULL) FROM o
SELECT count(*) AS n FROM o WHERE n > 5
SELECT sum(n), total(n), avg(n), min(n), max(n) FROM o
SELECT sum(degrees), avg(degrees) FROM o {_NUMBERS}
SELECT total(degrees) FROM o {_NUMBERS}
SELECT min(degrees), max(degrees) FROM o
SELECT min(city), max(city), min(note), max(note) FROM o
SELECT sum(city), avg(city), total(city) FROM o
SELECT sum(note), sum(sky) FROM o
SELECT sum(degrees) FROM o WHERE sky = 'clear' AND n > 30
SELECT sum(NULL), total(NULL), avg(NULL), min(NULL), max(NULL) FROM o
SELECT sum(n), total(n), avg(n), min(n), max(n), count(n), count(*) FROM o WHERE n > 1000
SELECT sum(n) FROM o WHERE n > 1000 GROUP BY sky
SELECT sum(n) + count(*) * 2, sum(n) / count(*), avg(n) > 3 FROM o
SELECT sum(n + 1), sum(n * 2), sum(n / 2), sum(n / 2.0), sum(n % 3) FROM o
SELECT avg(length(city)), max(length(note)), min(upper(sky)) FROM o
SELECT sum(0.1), sum(n * 0.1), avg(n * 0.1) FROM o
SELECT sum(CASE WHEN sky = 'fog' THEN 1 ELSE 0 END), count(CASE WHEN sky = 'fog' THEN 1 END) FROM o
SELECT count(*) FILTER (WHERE sky = 'fog'), sum(n) FILTER (WHERE degrees > 10), min(n) FILTER (WHERE 0) FROM o
SELECT sky, count(*), sum(n), avg(n), min(n), max(n), total(n) FROM o GROUP BY sky
SELECT sky, avg(degrees) FROM o {_NUMBERS} GROUP BY sky
SELECT sky, city, count(*) FROM o GROUP BY sky, city
SELECT sky, city, count(*) FROM o GROUP BY 1, 2
SELECT lower(sky) AS s, count(*) FROM o GROUP BY s
SELECT lower(sky), count(*) FROM o GROUP BY lower(sky)
SELECT lower(sky) || '!', count(*) FROM o GROUP BY lower(sky)
SELECT count(*) FROM o GROUP BY sky
SELECT sky, count(*) FROM o GROUP BY (+1)
SELECT -1 AS k, sky, count(*) FROM o GROUP BY k, sky
SELECT (0 AND n) AS k, 3000000000 AS big, sky, count(*) FROM o GROUP BY k, 3000000000, sky
SELECT degrees > 10 IS TRUE AS warm, count(*) FROM o GROUP BY warm
SELECT degrees, count(*) FROM o GROUP BY degrees
SELECT degrees + 1, sum(n) FROM o GROUP BY degrees
SELECT typeof(degrees), count(*) FROM o GROUP BY typeof(degrees)
SELECT degrees > 10, count(*) FROM o GROUP BY degrees > 10
SELECT CAST(degrees AS TEXT) AS d, count(*) FROM o GROUP BY d HAVING d < '2'
SELECT CAST(n AS TEXT) AS d, count(*) FROM o GROUP BY d HAVING d = 5
SELECT n % 4, count(*), max(n) FROM o GROUP BY n % 4
SELECT sky, count(*) FROM o GROUP BY sky HAVING count(*) > 1
SELECT sky, count(*) AS c FROM o GROUP BY sky HAVING c > 1
SELECT sky FROM o GROUP BY sky HAVING max(degrees) > 1000
SELECT sky, count(*) FROM o GROUP BY sky HAVING sky > 'c'
SELECT sky FROM o GROUP BY sky HAVING sky = 'fog' OR sky IS NULL
SELECT count(*) FROM o HAVING count(*) > 10
SELECT count(*) FROM o HAVING count(*) > 100
SELECT 1 FROM o GROUP BY 'x'
SELECT count(*) + 1 AS m, CASE WHEN count(*) > 3 THEN 'many' ELSE 'few' END FROM o GROUP BY sky
SELECT DISTINCT sky FROM o
SELECT DISTINCT degrees FROM o
SELECT DISTINCT sky, city FROM o
SELECT DISTINCT lower(sky), degrees > 10 FROM o
SELECT DISTINCT count(*) FROM o GROUP BY sky
SELECT DISTINCT hex(sky) FROM o
SELECT DISTINCT sky FROM o WHERE degrees > 10
SELECT DISTINCT 1 FROM o
SELECT count(DISTINCT sky), count(DISTINCT degrees) FROM o
SELECT sky, count(DISTINCT city) FROM o GROUP BY sky
SELECT sum(DISTINCT n / 2) FROM o
SELECT sum(degrees) FROM o WHERE n IN (18, 21)
SELECT avg(degrees) FROM o WHERE degrees = 9223372036854775807
SELECT total(degrees), avg(degrees) FROM o WHERE n IN (18, 19, 20)
SELECT city, max(n) FROM o GROUP BY city
SELECT city, note, max(n) FROM o GROUP BY city
SELECT note, max(n) FROM o
SELECT group_concat(sky, '-') FROM o WHERE n < 4
SELECT upper(sky) FROM o GROUP BY sky
SELECT sum(n) FROM o WHERE hex(sky) = '666F67'
SELECT max(hex(sky)) FROM o
SELECT count(*) FROM o WHERE degrees BETWEEN 0 AND 20 GROUP BY sky HAVING min(n) < 10
SELECT max(n) - min(n), round(avg(n), 2) FROM o GROUP BY sky
SELECT avg(n) FROM o GROUP BY sky IS NULL
SELECT coalesce(sky, 'none') AS s, count(*) FROM o GROUP BY coalesce(sky, 'none')
""".strip()


def split_lines(text: str) -> list[str]:
    """Return the queries of a list: each starts a line with SELECT."""
    queries: list[str] = []
    for line in text.strip().splitlines():
        if line.startswith("SELECT") or not queries:
            queries.append(line)
        else:
            queries[-1] += f"\n{line}"
    return queries
