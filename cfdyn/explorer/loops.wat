;; Loops over a module's $step and $jacobian; $D, the length of a state, is a global. Addresses are those of doubles.

;; Whether a row of D numbers leaves [-escape, escape] or is NaN somewhere.
(func $outside (param $row i32) (param $escape f64) (result i32)
  (local $end i32)
  (local.set $end (i32.add (local.get $row) (i32.mul (i32.const 8) (global.get $D))))
  (loop $next
    (if (i32.eqz (f64.le (f64.abs (f64.load (local.get $row))) (local.get $escape))) (then (return (i32.const 1))))
    (local.set $row (i32.add (local.get $row) (i32.const 8)))
    (br_if $next (i32.lt_u (local.get $row) (local.get $end))))
  (i32.const 0))

;; Fill the rows 1 to n behind the row 0; the number of rows that were filled without leaving.
(func $iterate (export "iterate") (param $rows i32) (param $p i32) (param $n i32) (param $escape f64) (result i32)
  (local $k i32) (local $after i32)
  (block $end (loop $next
    (br_if $end (i32.ge_s (local.get $k) (local.get $n)))
    (local.set $after (i32.add (local.get $rows) (i32.mul (i32.const 8) (global.get $D))))
    (call $step (local.get $rows) (local.get $p) (local.get $after))
    (br_if $end (call $outside (local.get $after) (local.get $escape)))
    (local.set $rows (local.get $after))
    (local.set $k (i32.add (local.get $k) (i32.const 1)))
    (br $next)))
  (local.get $k))

;; Take a state n steps on in place, over $BLOCK rows of scratch; the number of steps that were taken without leaving.
(func $advance (export "advance") (param $z i32) (param $p i32) (param $n i32) (param $escape f64) (param $scratch i32) (result i32)
  (local $done i32) (local $some i32) (local $ran i32)
  (block $end (loop $next
    (br_if $end (i32.ge_s (local.get $done) (local.get $n)))
    (local.set $some (i32.sub (local.get $n) (local.get $done)))
    (if (i32.gt_s (local.get $some) (global.get $BLOCK)) (then (local.set $some (global.get $BLOCK))))
    (memory.copy (local.get $scratch) (local.get $z) (i32.mul (i32.const 8) (global.get $D)))
    (local.set $ran (call $iterate (local.get $scratch) (local.get $p) (local.get $some) (local.get $escape)))
    (memory.copy (local.get $z)
      (i32.add (local.get $scratch) (i32.mul (i32.mul (i32.const 8) (global.get $D)) (local.get $ran)))
      (i32.mul (i32.const 8) (global.get $D)))
    (local.set $done (i32.add (local.get $done) (local.get $ran)))
    (br_if $end (i32.lt_s (local.get $ran) (local.get $some)))
    (br $next)))
  (local.get $done))

;; Take so many lanes n steps on; lane i has the pair of parameters at $values + 16 i in the addresses $one and $other of p.
;; Its state, at $rows + i $stride, is replaced, or, where $move is 8 D, each next one stands behind it. One that is outside stays.
;; Where $noise is not 0 the step is the disturbed one, of the parameters p with room for $W numbers at $place: those of one step after
;; the other, the same for all lanes. Lanes do not wait for each other, so that a processor overlaps their operations.
(func $together (export "together") (param $rows i32) (param $stride i32) (param $p i32) (param $one i32) (param $other i32)
    (param $values i32) (param $lanes i32) (param $n i32) (param $escape f64) (param $move i32)
    (param $noise i32) (param $place i32)
  (local $lane i32) (local $row i32) (local $value i32) (local $size i32)
  (local.set $size (i32.mul (i32.const 8) (global.get $W)))
  (block $end (loop $steps
    (br_if $end (i32.le_s (local.get $n) (i32.const 0)))
    (if (local.get $noise) (then
      (memory.copy (local.get $place) (local.get $noise) (local.get $size))
      (local.set $noise (i32.add (local.get $noise) (local.get $size)))))
    (local.set $lane (local.get $lanes))
    (local.set $row (local.get $rows))
    (local.set $value (local.get $values))
    (loop $each
      (if (call $outside (local.get $row) (local.get $escape))
        (then (memory.copy (i32.add (local.get $row) (local.get $move)) (local.get $row) (i32.mul (i32.const 8) (global.get $D))))
        (else
          (f64.store (local.get $one) (f64.load (local.get $value)))
          (f64.store (local.get $other) (f64.load offset=8 (local.get $value)))
          (if (local.get $noise)
            (then (call $disturbed (local.get $row) (local.get $p) (i32.add (local.get $row) (local.get $move))))
            (else (call $step (local.get $row) (local.get $p) (i32.add (local.get $row) (local.get $move)))))))
      (local.set $row (i32.add (local.get $row) (local.get $stride)))
      (local.set $value (i32.add (local.get $value) (i32.const 16)))
      (br_if $each (local.tee $lane (i32.sub (local.get $lane) (i32.const 1)))))
    (local.set $rows (i32.add (local.get $rows) (local.get $move)))
    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br $steps))))

;; The smallest lag at which n rows repeat, judged on the last $most of them; 0 if there is none, or a shorter one nearly repeats.
(func $period (export "period") (param $rows i32) (param $n i32) (param $most i32) (param $tolerance f64) (param $floor f64) (result i32)
  (local $first i32) (local $end i32) (local $at i32) (local $lag i32) (local $back i32) (local $size f64) (local $worst f64)
  (local.set $end (i32.add (local.get $rows) (i32.mul (i32.mul (i32.const 8) (global.get $D)) (local.get $n))))
  (local.set $first (i32.sub (local.get $end) (i32.mul (i32.mul (i32.const 8) (global.get $D)) (local.get $most))))
  (local.set $size (local.get $floor))
  (local.set $at (local.get $first))
  (loop $sizes
    (local.set $size (f64.max (local.get $size) (f64.abs (f64.load (local.get $at)))))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $sizes (i32.lt_u (local.get $at) (local.get $end))))
  (local.set $lag (i32.const 1))
  (block $none (loop $lags
    (br_if $none (i32.gt_s (local.get $lag) (local.get $most)))
    (local.set $back (i32.mul (i32.mul (i32.const 8) (global.get $D)) (local.get $lag)))
    (local.set $worst (f64.const 0))
    (local.set $at (local.get $first))
    (loop $compare
      (local.set $worst (f64.max (local.get $worst)
        (f64.abs (f64.sub (f64.load (local.get $at)) (f64.load (i32.sub (local.get $at) (local.get $back)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $compare (i32.and (i32.lt_u (local.get $at) (local.get $end))
        (f64.le (local.get $worst) (f64.mul (f64.mul (f64.const 1e4) (local.get $tolerance)) (local.get $size))))))
    (if (f64.le (local.get $worst) (f64.mul (local.get $tolerance) (local.get $size))) (then (return (local.get $lag))))
    (br_if $none (f64.le (local.get $worst) (f64.mul (f64.mul (f64.const 1e4) (local.get $tolerance)) (local.get $size))))
    (local.set $lag (i32.add (local.get $lag) (i32.const 1)))
    (br $lags)))
  (i32.const 0))

;; out = the D x D matrix times v; its Euclidean length.
(func $turned (param $matrix i32) (param $v i32) (param $out i32) (result f64)
  (local $row i32) (local $column i32) (local $sum f64) (local $total f64)
  (loop $rows
    (local.set $sum (f64.const 0))
    (local.set $column (i32.const 0))
    (loop $columns
      (local.set $sum (f64.add (local.get $sum) (f64.mul
        (f64.load (i32.add (local.get $matrix) (i32.mul (i32.const 8) (i32.add (local.get $column) (i32.mul (local.get $row) (global.get $D))))))
        (f64.load (i32.add (local.get $v) (i32.mul (i32.const 8) (local.get $column)))))))
      (local.set $column (i32.add (local.get $column) (i32.const 1)))
      (br_if $columns (i32.lt_s (local.get $column) (global.get $D))))
    (f64.store (i32.add (local.get $out) (i32.mul (i32.const 8) (local.get $row))) (local.get $sum))
    (local.set $total (f64.add (local.get $total) (f64.mul (local.get $sum) (local.get $sum))))
    (local.set $row (i32.add (local.get $row) (i32.const 1)))
    (br_if $rows (i32.lt_s (local.get $row) (global.get $D))))
  (f64.sqrt (local.get $total)))

;; Push the unit vector v along n rows of an orbit, leaving its length 1; the product of the lengths, one double a row, goes to
;; $lengths. $scratch has room for D*D + D doubles. A length of 0 or one that is no number ends it: the number of lengths.
(func $lengths (export "lengths") (param $rows i32) (param $p i32) (param $n i32) (param $v i32) (param $lengths i32) (param $scratch i32) (result i32)
  (local $k i32) (local $i i32) (local $image i32) (local $length f64)
  (local.set $image (i32.add (local.get $scratch) (i32.mul (i32.const 8) (i32.mul (global.get $D) (global.get $D)))))
  (block $end (loop $next
    (br_if $end (i32.ge_s (local.get $k) (local.get $n)))
    (call $jacobian (local.get $rows) (local.get $p) (local.get $scratch))
    (local.set $length (if (result f64) (i32.eq (global.get $D) (i32.const 1))
      (then (f64.abs (f64.load (local.get $scratch))))
      (else (call $turned (local.get $scratch) (local.get $v) (local.get $image)))))
    (f64.store (i32.add (local.get $lengths) (i32.mul (i32.const 8) (local.get $k))) (local.get $length))
    (br_if $end (i32.eqz (f64.gt (local.get $length) (f64.const 0))))
    (local.set $i (i32.const 0))
    (if (i32.gt_s (global.get $D) (i32.const 1)) (then (loop $entries
      (f64.store (i32.add (local.get $v) (i32.mul (i32.const 8) (local.get $i)))
        (f64.div (f64.load (i32.add (local.get $image) (i32.mul (i32.const 8) (local.get $i)))) (local.get $length)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $entries (i32.lt_s (local.get $i) (global.get $D))))))
    (local.set $k (i32.add (local.get $k) (i32.const 1)))
    (local.set $rows (i32.add (local.get $rows) (i32.mul (i32.const 8) (global.get $D))))
    (br $next)))
  (local.get $k))
