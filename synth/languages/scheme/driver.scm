;; The Scheme driver (Guile): calls one procedure of a program on each input and writes the results to a private descriptor.
;;
;; It runs inside the sandbox, the program beside it in solution.scm, the request on stdin. Lines in and out are described in
;; docs/architecture/execution.md. Lists and tuples are lists (a vector may come back too), a map is an association list (a hash table
;; may come back too), null is the unspecified value.
(use-modules (ice-9 textual-ports)
             (ice-9 exceptions)
             (rnrs bytevectors)
             (srfi srfi-1)
             (srfi srfi-9)
             (system base compile))

(define-record-type codemill-kind (codemill-make-kind tag inner) codemill-kind?
  (tag codemill-tag)
  (inner codemill-inner))

(define codemill-any (codemill-make-kind #\? '()))

(define (codemill-at kind index)
  (let ((inner (codemill-inner kind)) (at (if (eqv? (codemill-tag kind) #\l) 0 index)))
    (if (< at (length inner)) (list-ref inner at) codemill-any)))

;; Readers give what they read and the tokens that are left. Types are prefix tokens: `l t2 i s` for list[tuple[int, str]].
(define (codemill-many count read tokens)
  (let loop ((left count) (made '()) (tokens tokens))
    (if (zero? left)
        (values (reverse made) tokens)
        (call-with-values (lambda () (read tokens))
          (lambda (item tokens) (loop (- left 1) (cons item made) tokens))))))

(define (codemill-read-kind tokens)
  (let* ((token (car tokens))
         (tag (string-ref token 0))
         (size (case tag ((#\t) (string->number (substring token 1))) ((#\m) 2) ((#\l) 1) (else 0))))
    (call-with-values (lambda () (codemill-many size codemill-read-kind (cdr tokens)))
      (lambda (inner tokens) (values (codemill-make-kind tag inner) tokens)))))

;; --- values in ---

(define (codemill-from-hex hex)
  (let ((bytes (make-bytevector (quotient (string-length hex) 2))))
    (do ((at 0 (+ at 1))) ((= at (bytevector-length bytes)) (utf8->string bytes))
      (bytevector-u8-set! bytes at (string->number (substring hex (* 2 at) (* 2 (+ at 1))) 16)))))

(define (codemill-float text)
  (cond ((equal? text "nan") +nan.0)
        ((equal? text "inf") +inf.0)
        ((equal? text "-inf") -inf.0)
        (else (exact->inexact (string->number text)))))

(define (codemill-pairs flat)
  (if (null? flat) '() (cons (cons (car flat) (cadr flat)) (codemill-pairs (cddr flat)))))

(define (codemill-decode tokens)
  (let ((tag (string-ref (car tokens) 0)) (rest (substring (car tokens) 1)) (tokens (cdr tokens)))
    (case tag
      ((#\i) (values (string->number rest) tokens))
      ((#\f) (values (codemill-float rest) tokens))
      ((#\s) (values (codemill-from-hex rest) tokens))
      ((#\b) (values (equal? rest "1") tokens))
      ((#\n) (values *unspecified* tokens))
      ((#\m) (call-with-values (lambda () (codemill-many (* 2 (string->number rest)) codemill-decode tokens))
               (lambda (flat tokens) (values (codemill-pairs flat) tokens))))
      (else (codemill-many (string->number rest) codemill-decode tokens)))))

;; --- values out ---

(define (codemill-hex text)
  (string-concatenate
   (map (lambda (byte) (string-append (if (< byte 16) "0" "") (number->string byte 16))) (bytevector->u8-list (string->utf8 text)))))

(define (codemill-number value)
  (cond ((exact-integer? value) (string-append "i" (number->string value)))
        ((nan? value) "fnan")
        ((inf? value) (if (> value 0) "finf" "f-inf"))
        ((inexact? value) (string-append "f" (number->string value)))
        (else (error "a fraction is not language-neutral"))))

(define (codemill-encode-map pairs kind)
  (cons (string-append "m" (number->string (length pairs)))
        (append-map (lambda (pair)
                      (append (codemill-encode (car pair) (codemill-at kind 0)) (codemill-encode (cdr pair) (codemill-at kind 1))))
                    pairs)))

(define (codemill-encode value kind)
  (let ((tag (codemill-tag kind)))
    (cond ((or (unspecified? value) (and (eqv? tag #\n) (null? value))) '("n"))
          ((boolean? value) (list (if value "b1" "b0")))
          ((real? value) (list (codemill-number value)))
          ((string? value) (list (string-append "s" (codemill-hex value))))
          ((char? value) (list (string-append "s" (codemill-hex (string value)))))
          ((hash-table? value) (codemill-encode-map (hash-map->list cons value) kind))
          ((and (eqv? tag #\m) (list? value) (every pair? value)) (codemill-encode-map value kind))
          ((vector? value) (codemill-encode (vector->list value) kind))
          ((list? value)
           (cons (string-append (if (eqv? tag #\t) "t" "l") (number->string (length value)))
                 (append-map (lambda (item index) (codemill-encode item (codemill-at kind index))) value (iota (length value)))))
          (else (error "a value of another kind is not language-neutral")))))

;; --- the run ---

(define (codemill-describe key arguments)
  (let ((text (call-with-output-string (lambda (port) (write (cons key arguments) port)))))
    (codemill-hex (substring text 0 (min 300 (string-length text))))))

(define (codemill-result target line kind)
  (define (decoded)
    (if (string-null? line)
        '()
        (map (lambda (part) (call-with-values (lambda () (codemill-decode (string-split part #\space))) (lambda (value rest) value)))
             (string-split line #\tab))))
  (catch #t
    (lambda ()
      (let ((value (apply target (decoded))))
        (catch #t
          (lambda () (string-join (cons "returned" (codemill-encode value kind)) " "))
          (lambda (key . arguments) (string-append "unreadable " (codemill-describe key arguments))))))
    (lambda (key . arguments)
      (if (eq? key 'quit) (apply throw key arguments) (string-append "raised " (codemill-describe key arguments))))))

(define (codemill-check-text send)
  (catch #t
    (lambda ()
      (call-with-input-file "solution.scm"
        (lambda (port) (let loop () (if (not (eof-object? (read port))) (loop))))
        #:encoding "UTF-8"))
    (lambda (key . arguments)
      (send (string-append "parse_error " (codemill-describe key arguments)))
      (primitive-_exit 1))))

(define (codemill-main)
  (let* ((lines (string-split (get-string-all (current-input-port)) #\newline))
         (channel (fdopen 3 "w"))
         (send (lambda (text) (put-string channel (string-append (car lines) " " text "\n")) (force-output channel))))
    (codemill-check-text send)
    (load-compiled (compile-file "/work/solution.scm" #:output-file "/tmp/solution.go" #:env (current-module)))
    (let ((target (module-ref (current-module) (string->symbol (list-ref lines 1))))
          (kind (call-with-values (lambda () (codemill-read-kind (string-split (list-ref lines 3) #\space))) (lambda (kind rest) kind))))
      (for-each (lambda (index line) (send (string-append (number->string index) " " (codemill-result target line kind))))
                (iota (string->number (list-ref lines 4)))
                (list-head (list-tail lines 5) (string->number (list-ref lines 4)))))
    (send "finished")
    (force-output (current-output-port))
    (primitive-_exit 0)))

(codemill-main)
