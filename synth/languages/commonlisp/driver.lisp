;;;; The Common Lisp driver (SBCL): calls one function of a program on each input and writes the results to a private descriptor.
;;;;
;;;; It runs inside the sandbox, the program beside it in solution.lisp, the request on stdin. Lines in and out are described in
;;;; docs/architecture/execution.md. Lists and tuples are lists (a vector may come back too), maps are hash tables of test `equal`.
;;;; NIL is false, the empty list and null: the signature's result type says which. Literals are double floats.
(defpackage :codemill-driver (:use :cl))
(in-package :codemill-driver)
(setf *read-default-float-format* 'double-float)

(defstruct kind tag inner)
(defparameter *any* (make-kind :tag #\? :inner nil))
(defun inner-kind (kind index) (or (nth (if (eql (kind-tag kind) #\l) 0 index) (kind-inner kind)) *any*))

(defun split (text separator)
  (loop with start = 0
        for end = (position separator text :start start)
        collect (subseq text start end)
        while end do (setf start (1+ end))))

;;; Readers take tokens from this list. Types are prefix tokens: `l t2 i s` for list[tuple[int, str]].
(defvar *tokens*)

(defun read-kind ()
  (let* ((token (pop *tokens*))
         (tag (char token 0))
         (size (case tag (#\t (parse-integer token :start 1)) (#\m 2) (#\l 1) (t 0))))
    (make-kind :tag tag :inner (loop repeat size collect (read-kind)))))

;;; --- text: UTF-8 in hex, lone surrogates as three bytes ---

(defun decode-text (hex)
  (let ((bytes (loop for at from 0 below (length hex) by 2 collect (parse-integer hex :start at :end (+ at 2) :radix 16))))
    (coerce (loop while bytes
                  collect (let* ((b (pop bytes))
                                 (size (cond ((< b #x80) 0) ((< b #xe0) 1) ((< b #xf0) 2) (t 3)))
                                 (point (if (zerop size) b (logand b (ash #xff (- (+ size 2)))))))
                            (loop repeat size do (setf point (logior (ash point 6) (logand (pop bytes) #x3f))))
                            (code-char point)))
            'string)))

(defun encode-text (text)
  (with-output-to-string (out)
    (flet ((put (byte) (format out "~(~2,'0x~)" byte)))
      (loop for letter across text
            for point = (char-code letter)
            for top = (cond ((< point #x80) 0) ((< point #x800) 6) ((< point #x10000) 12) (t 18))
            do (if (zerop top)
                   (put point)
                   (progn (put (logior (case top (6 #xc0) (12 #xe0) (t #xf0)) (ash point (- top))))
                          (loop for shift from (- top 6) downto 0 by 6
                                do (put (logior #x80 (logand (ash point (- shift)) #x3f))))))))))

;;; --- values in ---

;;; `coerce` rounds denormalized floats wrongly, so those are made from their bits.
(defun to-double (rational)
  (if (>= (abs rational) (rational least-positive-normalized-double-float))
      (coerce rational 'double-float)
      (let* ((bits (round (* (abs rational) (expt 2 1074))))
             (made (sb-kernel:make-double-float (ash bits -32) (logand bits #xffffffff))))
        (if (minusp rational) (- made) made))))

(defun read-float (text)
  (cond ((string= text "nan") (- sb-ext:double-float-positive-infinity sb-ext:double-float-positive-infinity))
        ((string= text "inf") sb-ext:double-float-positive-infinity)
        ((string= text "-inf") sb-ext:double-float-negative-infinity)
        ((string= text "-0.0") -0d0)
        (t (let* ((mark (or (position #\e text) (length text)))
                  (point (or (position #\. text :end mark) mark))
                  (digits (concatenate 'string (subseq text 0 point) (subseq text (min mark (1+ point)) mark)))
                  (fraction (max 0 (- mark point 1)))
                  (exponent (if (< mark (length text)) (parse-integer text :start (1+ mark)) 0)))
             (to-double (* (parse-integer digits) (expt 10 (- exponent fraction))))))))

(defun decode ()
  (let* ((token (pop *tokens*)) (content (subseq token 1)))
    (case (char token 0)
      (#\i (parse-integer content))
      (#\f (read-float content))
      (#\s (decode-text content))
      (#\b (string= content "1"))
      (#\n nil)
      (#\m (let ((table (make-hash-table :test 'equal)))
             (loop repeat (parse-integer content)
                   do (let ((key (decode))) (setf (gethash key table) (decode))))
             table))
      (t (loop repeat (parse-integer content) collect (decode))))))

;;; --- values out ---

(defun encode-float (value)
  (cond ((sb-ext:float-nan-p value) "fnan")
        ((sb-ext:float-infinity-p value) (if (plusp value) "finf" "f-inf"))
        ((< (abs value) least-positive-normalized-double-float) (encode-small-float (coerce value 'double-float)))
        (t (let ((*read-default-float-format* 'double-float)) (format nil "f~a" (prin1-to-string (coerce value 'double-float)))))))

;;; Denormalized floats are printed with too few digits; here they are written exactly.
(defun encode-small-float (value)
  (multiple-value-bind (mantissa exponent sign) (integer-decode-float value)
    (if (zerop mantissa)
        (if (minusp sign) "f-0.0" "f0.0")
        (format nil "f~de~d" (* sign mantissa (expt 5 (- exponent))) exponent))))

(defun encode-table (table kind)
  (cons (format nil "m~d" (hash-table-count table))
        (loop for key being the hash-keys of table using (hash-value item)
              append (encode key (inner-kind kind 0)) append (encode item (inner-kind kind 1)))))

(defun encode-items (items kind)
  (cons (format nil "~a~d" (if (eql (kind-tag kind) #\t) "t" "l") (length items))
        (loop for item in items for index from 0 append (encode item (inner-kind kind index)))))

(defun encode-nil (kind)
  (list (case (kind-tag kind) (#\b "b0") (#\l "l0") (#\t "t0") (#\m "m0") (t "n"))))

(defun encode (value kind)
  (typecase value
    (null (encode-nil kind))
    ((eql t) (list "b1"))
    (integer (list (format nil "i~d" value)))
    (float (list (encode-float value)))
    (string (list (concatenate 'string "s" (encode-text value))))
    (character (list (concatenate 'string "s" (encode-text (string value)))))
    (hash-table (encode-table value kind))
    (vector (encode-items (coerce value 'list) kind))
    (list (encode-items value kind))
    (t (error "a value of type ~s is not language-neutral" (type-of value)))))

;;; --- the run ---

(defun describe-problem (problem)
  (let ((text (format nil "~a: ~a" (type-of problem) (handler-case (princ-to-string problem) (error () "")))))
    (encode-text (subseq text 0 (min 300 (length text))))))

(defun call (target line)
  (apply target (if (string= line "") nil (loop for part in (split line #\Tab) collect (let ((*tokens* (split part #\Space))) (decode))))))

(defun result (target line kind)
  (handler-case
      (let ((value (call target line)))
        (handler-case (format nil "returned ~{~a~^ ~}" (encode value kind))
          (serious-condition (problem) (concatenate 'string "unreadable " (describe-problem problem)))))
    (serious-condition (problem) (concatenate 'string "raised " (describe-problem problem)))))

(defun find-target (name)
  (let ((names (list (string-upcase name) (substitute #\- #\_ (string-upcase name)))))
    (or (loop for wanted in names
              for symbol = (find-symbol wanted :cl-user)
              when (and symbol (fboundp symbol)) return symbol)
        (loop for wanted in names
              for symbol = (find-if #'fboundp (find-all-symbols wanted))
              when symbol return symbol)
        (error "the program defines no function ~a" name))))

(defun read-request ()
  (with-output-to-string (text)
    (loop with buffer = (make-string 65536)
          for size = (read-sequence buffer *standard-input*)
          until (zerop size) do (write-string buffer text :end size))))

(defun load-program (send)
  (handler-case (let ((*package* (find-package :cl-user))) (load "solution.lisp" :external-format :utf-8))
    ((or reader-error end-of-file) (problem)
      (funcall send (concatenate 'string "parse_error " (describe-problem problem)))
      (sb-ext:exit :code 1 :abort t))))

(defun main ()
  (let* ((lines (split (read-request) #\Newline))
         (channel (sb-sys:make-fd-stream 3 :output t :buffering :full :external-format :latin-1))
         (send (lambda (text) (format channel "~a ~a~%" (first lines) text) (finish-output channel)))
         (kind (let ((*tokens* (split (fourth lines) #\Space))) (read-kind))))
    (sb-int:with-float-traps-masked (:overflow :invalid :divide-by-zero :inexact :underflow)
      (load-program send)
      (loop with target = (find-target (second lines))
            for index from 0 below (parse-integer (fifth lines))
            for line in (nthcdr 5 lines)
            do (funcall send (format nil "~d ~a" index (result target line kind)))))
    (funcall send "finished")
    (finish-output)
    (sb-ext:exit :code 0 :abort t)))

;; Warm, this file is the end of what a zygote loads.
(if (probe-file "zygote.lisp") (load "zygote.lisp") (main))
