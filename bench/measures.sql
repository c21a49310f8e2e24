-- Every per-episode measure from the event tables, written straight from the definitions: what a careful analyst would
-- write. Window 3. The bench holds its results against di_assets.measures.
CREATE TEMP VIEW game AS
    SELECT episode_id, arm, condition, focal_model, focal_seat, n_seats, n_rounds FROM episodes WHERE status = 'complete';
CREATE TEMP VIEW made AS
    SELECT p.episode_id, p.round, p.puller, p.target, p.status FROM pulls p SEMI JOIN game USING (episode_id);
CREATE TEMP TABLE valid AS SELECT episode_id, round, puller, target FROM made WHERE status = 'valid';
CREATE TEMP TABLE neighbours AS
    SELECT episode_id, seat_a AS seat, seat_b AS other FROM edges
    UNION ALL SELECT episode_id, seat_b, seat_a FROM edges;
CREATE TEMP TABLE degrees AS SELECT episode_id, seat, count(*) AS degree FROM neighbours GROUP BY ALL;

-- Who pulled a seat in the round before, and how many did.
CREATE TEMP TABLE hits AS
    SELECT episode_id, round, target AS seat, count(*) AS n FROM valid GROUP BY ALL;
CREATE TEMP VIEW expected AS
    SELECT v.episode_id, v.puller AS seat, b.puller AS other, 1.0::DOUBLE / h.n AS p
    FROM valid v
    JOIN valid b ON b.episode_id = v.episode_id AND b.round = v.round - 1 AND b.target = v.puller
    JOIN hits h ON h.episode_id = v.episode_id AND h.round = v.round - 1 AND h.seat = v.puller
    UNION ALL
    SELECT v.episode_id, v.puller, nb.other, 1.0::DOUBLE / d.degree
    FROM valid v
    ANTI JOIN hits h ON h.episode_id = v.episode_id AND h.round = v.round - 1 AND h.seat = v.puller
    JOIN neighbours nb ON nb.episode_id = v.episode_id AND nb.seat = v.puller
    JOIN degrees d ON d.episode_id = v.episode_id AND d.seat = v.puller;
CREATE TEMP TABLE forecasts AS
    SELECT episode_id, seat, other, sum(p) AS forecast FROM expected GROUP BY ALL;
CREATE TEMP VIEW given AS
    SELECT episode_id, puller AS seat, target AS other, count(*) AS n FROM valid GROUP BY ALL;
CREATE TEMP TABLE residuals AS
    SELECT s.episode_id, s.seat, o.seat AS other,
           (coalesce(g.n, 0) - coalesce(f.forecast, 0)) / game.n_rounds AS r, coalesce(f.forecast, 0) AS forecast
    FROM game
    JOIN seats s USING (episode_id)
    JOIN seats o ON o.episode_id = s.episode_id AND o.seat <> s.seat
    LEFT JOIN given g ON g.episode_id = s.episode_id AND g.seat = s.seat AND g.other = o.seat
    LEFT JOIN forecasts f ON f.episode_id = s.episode_id AND f.seat = s.seat AND f.other = o.seat;

CREATE TEMP TABLE seat_measures AS
    WITH scored AS (SELECT episode_id, target AS seat, count(*) AS points FROM valid GROUP BY ALL),
    told AS (
        SELECT own.episode_id, own.seat, sum(back.forecast) AS floor_points, avg((back.r - own.r) / 2) AS capture
        FROM residuals own
        JOIN residuals back ON back.episode_id = own.episode_id AND back.seat = own.other AND back.other = own.seat
        GROUP BY ALL
    )
    SELECT s.episode_id, s.seat, s.model, s.role, coalesce(p.points, 0)::BIGINT AS points, t.floor_points, t.capture
    FROM seats s JOIN told t USING (episode_id, seat) LEFT JOIN scored p USING (episode_id, seat);

CREATE TEMP VIEW asks AS
    SELECT m.episode_id, m.round, m.sender, m.recipient
    FROM messages m JOIN message_labels l USING (episode_id, event_id)
    WHERE l.asks_for_pull AND l.labeller = 'lexical';
CREATE TEMP VIEW kinds AS
    WITH paid AS (
        SELECT DISTINCT v.episode_id, v.round, v.puller
        FROM valid v JOIN valid b
          ON b.episode_id = v.episode_id AND b.puller = v.target AND b.target = v.puller
         AND b.round BETWEEN v.round - 3 AND v.round - 1
    ),
    heard AS (
        SELECT DISTINCT v.episode_id, v.round, v.puller
        FROM valid v JOIN asks a
          ON a.episode_id = v.episode_id AND a.sender = v.target AND a.recipient = v.puller
         AND a.round BETWEEN v.round - 2 AND v.round
    )
    SELECT v.episode_id,
           avg(CASE WHEN paid.puller IS NOT NULL THEN 1 ELSE 0 END) AS payback_rate,
           avg(CASE WHEN paid.puller IS NULL AND heard.puller IS NOT NULL THEN 1 ELSE 0 END) AS solicited_not_payback_rate,
           avg(CASE WHEN paid.puller IS NULL AND heard.puller IS NULL THEN 1 ELSE 0 END) AS unprompted_rate
    FROM valid v LEFT JOIN paid USING (episode_id, round, puller) LEFT JOIN heard USING (episode_id, round, puller)
    GROUP BY ALL;
CREATE TEMP VIEW cascading AS
    WITH converged AS (
        SELECT h.episode_id, h.round, h.seat
        FROM hits h JOIN degrees d USING (episode_id, seat) WHERE h.n >= greatest(2, d.degree // 2 + 1)
    )
    SELECT c.episode_id, count(*) AS cascades
    FROM converged c
    ANTI JOIN converged b ON b.episode_id = c.episode_id AND b.seat = c.seat AND b.round = c.round - 1
    GROUP BY ALL;
CREATE TEMP VIEW inequality AS
    SELECT a.episode_id,
           CASE WHEN sum(a.points) = 0 THEN 0
                ELSE sum(abs(a.points - b.points)) / (2 * sum(a.points)) END AS gini
    FROM seat_measures a JOIN seat_measures b USING (episode_id) GROUP BY ALL;

CREATE TEMP TABLE episode_measures AS
    WITH counts AS (
        SELECT episode_id, count(*) FILTER (status = 'valid') AS n_pulls,
               count(*) FILTER (status = 'forfeit') AS n_forfeits
        FROM made GROUP BY ALL
    )
    SELECT game.episode_id, arm, condition, focal_model, n_pulls, n_forfeits, s.points AS focal_points,
           s.floor_points AS focal_floor_points, s.capture AS focal_capture, coalesce(cascades, 0)::BIGINT AS cascades,
           gini, payback_rate, solicited_not_payback_rate, unprompted_rate
    FROM game
    JOIN counts USING (episode_id)
    JOIN inequality USING (episode_id)
    LEFT JOIN seat_measures s ON s.episode_id = game.episode_id AND s.seat = game.focal_seat
    LEFT JOIN cascading ON cascading.episode_id = game.episode_id
    LEFT JOIN kinds ON kinds.episode_id = game.episode_id;
