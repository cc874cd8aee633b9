#lang racket/base
;; The Racket driver: calls one function of a program on each input and writes the results to a private descriptor.
;;
;; It runs inside the sandbox, the program beside it in solution.rkt, the request on stdin. Lines in and out are described in
;; docs/architecture/execution.md. Lists and tuples are lists (a vector may come back too), maps are immutable hashes, null is void.
(require ffi/unsafe/port
         racket/list
         racket/port
         racket/string
         syntax/modread)

(struct kind (tag inner))
(define any-kind (kind #\? '()))

(define (inner-kind of index)
  (define inner (kind-inner of))
  (define at (if (eqv? (kind-tag of) #\l) 0 index))
  (if (< at (length inner)) (list-ref inner at) any-kind))

;; Readers take their tokens from a box.
(define (take! tokens)
  (define token (car (unbox tokens)))
  (set-box! tokens (cdr (unbox tokens)))
  (values (string-ref token 0) (substring token 1)))

;; Types are prefix tokens: `l t2 i s` for list[tuple[int, str]].
(define (read-kind! tokens)
  (define-values (tag rest) (take! tokens))
  (define size (case tag [(#\t) (string->number rest)] [(#\m) 2] [(#\l) 1] [else 0]))
  (kind tag (for/list ([_ (in-range size)]) (read-kind! tokens))))

;; --- values in ---

(define (hex->bytes hex)
  (define made (make-bytes (quotient (string-length hex) 2)))
  (for ([at (in-range (bytes-length made))])
    (bytes-set! made at (string->number (substring hex (* 2 at) (* 2 (add1 at))) 16)))
  made)

(define (decode-float text)
  (cond [(equal? text "nan") +nan.0]
        [(equal? text "inf") +inf.0]
        [(equal? text "-inf") -inf.0]
        [else (exact->inexact (string->number text 10 'read 'decimal-as-inexact))]))

(define (decode! tokens)
  (define-values (tag rest) (take! tokens))
  (case tag
    [(#\i) (string->number rest)]
    [(#\f) (decode-float rest)]
    [(#\s) (bytes->string/utf-8 (hex->bytes rest))]
    [(#\b) (equal? rest "1")]
    [(#\n) (void)]
    [(#\m) (for/hash ([_ (in-range (string->number rest))])
             (define key (decode! tokens))
             (values key (decode! tokens)))]
    [else (for/list ([_ (in-range (string->number rest))]) (decode! tokens))]))

;; --- values out ---

(define (hex bytes)
  (apply string-append (for/list ([byte (in-bytes bytes)]) (string-append (if (< byte 16) "0" "") (number->string byte 16)))))

(define (encode-float value)
  (cond [(not (= value value)) "fnan"]
        [(= value +inf.0) "finf"]
        [(= value -inf.0) "f-inf"]
        [else (string-append "f" (number->string value))]))

(define (encode value of)
  (define tag (kind-tag of))
  (cond [(or (void? value) (and (eqv? tag #\n) (null? value))) '("n")]
        [(boolean? value) (list (if value "b1" "b0"))]
        [(exact-integer? value) (list (string-append "i" (number->string value)))]
        [(flonum? value) (list (encode-float value))]
        [(single-flonum? value) (list (encode-float (real->double-flonum value)))]
        [(string? value) (list (string-append "s" (hex (string->bytes/utf-8 value))))]
        [(char? value) (list (string-append "s" (hex (string->bytes/utf-8 (string value)))))]
        [(hash? value)
         (cons (format "m~a" (hash-count value))
               (append* (for/list ([(key item) (in-hash value)])
                          (append (encode key (inner-kind of 0)) (encode item (inner-kind of 1))))))]
        [(vector? value) (encode (vector->list value) of)]
        [(list? value)
         (cons (format "~a~a" (if (eqv? tag #\t) "t" "l") (length value))
               (append* (for/list ([item (in-list value)] [index (in-naturals)]) (encode item (inner-kind of index)))))]
        [else (error 'result "a value such as ~e is not language-neutral" value)]))

;; --- the run ---

(define (describe problem)
  (define text (if (exn? problem) (exn-message problem) (format "~e" problem)))
  (hex (string->bytes/utf-8 (substring text 0 (min 300 (string-length text))) 63)))

(define (tokens-of text) (box (string-split text " " #:trim? #f)))

(define (result target line of)
  (define (decoded) (if (equal? line "") '() (map (lambda (part) (decode! (tokens-of part))) (string-split line "\t" #:trim? #f))))
  (with-handlers ([(lambda (problem) (not (exn:break? problem))) (lambda (problem) (string-append "raised " (describe problem)))])
    (define value (apply target (decoded)))
    (with-handlers ([exn:fail? (lambda (problem) (string-append "unreadable " (describe problem)))])
      (string-join (cons "returned" (encode value of)) " "))))

(define (check-text send path)
  (with-handlers ([exn:fail:read? (lambda (problem)
                                    (send (string-append "parse_error " (describe problem)))
                                    (exit 1))])
    (define port (open-input-file path))
    (port-count-lines! port)
    (with-module-reading-parameterization (lambda () (read-syntax path port)))))

(define (main)
  (define lines (string-split (port->string (current-input-port)) "\n" #:trim? #f))
  (define channel (unsafe-file-descriptor->port 3 'channel '(write)))
  (define (send text)
    (write-string (string-append (first lines) " " text "\n") channel)
    (flush-output channel))
  (define path (build-path (current-directory) "solution.rkt"))
  (define finish (current-exit))
  (parameterize ([current-namespace (make-base-namespace)])
    (check-text send path)
    (dynamic-require path #f)
    (define target (eval (string->symbol (second lines)) (module->namespace path)))
    (define of (read-kind! (tokens-of (fourth lines))))
    (for ([index (in-range (string->number (fifth lines)))])
      (send (format "~a ~a" index (result target (list-ref lines (+ 5 index)) of)))))
  (send "finished")
  (flush-output)
  (finish 0))

(define (current-exit) (let ([handler (exit-handler)]) (lambda (status) (handler status))))

(main)
