;; The Clojure driver: calls one function of a program on each input and writes the results to a private descriptor.
;;
;; It runs inside the sandbox, the program beside it in solution.clj, the request on stdin. Lines in and out are described in
;; docs/architecture/execution.md. Lists are vectors on the way in; any sequence may come back, as a list or a tuple: the signature's
;; result type says which.
(ns codemill.driver
  (:require [clojure.string :as string]))

(def any-kind {:tag \? :inner []})

;; Types are prefix tokens, `l t2 i s` for list[tuple[int, str]]. Both readers give what they read and the tokens that are left.
(defn read-kind [[token & tokens]]
  (let [tag (first token)
        size (case tag \t (Long/parseLong (subs token 1)) \m 2 \l 1 0)]
    (loop [left size, inner [], tokens tokens]
      (if (zero? left)
        [{:tag tag :inner inner} tokens]
        (let [[kind tokens] (read-kind tokens)]
          (recur (dec left) (conj inner kind) tokens))))))

(defn inner-kind [kind index]
  (get (:inner kind) (if (= (:tag kind) \l) 0 index) any-kind))

;; --- text: UTF-8 in hex, lone surrogates as three bytes ---

(defn decode-text [^String hex]
  (let [text (StringBuilder.)
        byte-at (fn [i] (Integer/parseInt (.substring hex i (+ i 2)) 16))]
    (loop [at 0]
      (when (< at (.length hex))
        (let [b (byte-at at)
              size (cond (< b 0x80) 1 (< b 0xe0) 2 (< b 0xf0) 3 :else 4)
              lead (if (= size 1) b (bit-and b (bit-shift-right 0xff (inc size))))
              rest-of (map #(bit-and (byte-at (+ at (* 2 %))) 0x3f) (range 1 size))]
          (.appendCodePoint text (int (reduce #(bit-or (bit-shift-left %1 6) %2) lead rest-of)))
          (recur (+ at (* 2 size))))))
    (.toString text)))

(defn encode-text [^String text]
  (let [out (StringBuilder.)
        put (fn [value] (.append out (format "%02x" (int value))))]
    (loop [at 0]
      (when (< at (.length text))
        (let [point (.codePointAt text at)
              top (cond (< point 0x80) 0 (< point 0x800) 6 (< point 0x10000) 12 :else 18)]
          (if (zero? top)
            (put point)
            (do (put (bit-or (case (int top) 6 0xc0 12 0xe0 0xf0) (bit-shift-right point top)))
                (doseq [shift (range (- top 6) -1 -6)]
                  (put (bit-or 0x80 (bit-and (bit-shift-right point shift) 0x3f))))))
          (recur (+ at (Character/charCount point))))))
    (.toString out)))

;; --- values in ---

(defn decode-float [text]
  (case text
    "nan" Double/NaN
    "inf" Double/POSITIVE_INFINITY
    "-inf" Double/NEGATIVE_INFINITY
    (Double/parseDouble text)))

(defn decode-int [text]
  (let [whole (bigint text)]
    (if (<= Long/MIN_VALUE whole Long/MAX_VALUE) (long whole) whole)))

(declare decode)

(defn decode-many [size tokens]
  (loop [left size, items [], tokens tokens]
    (if (zero? left)
      [items tokens]
      (let [[item tokens] (decode tokens)]
        (recur (dec left) (conj items item) tokens)))))

(defn decode [[token & tokens]]
  (let [content (subs token 1)]
    (case (first token)
      \i [(decode-int content) tokens]
      \f [(decode-float content) tokens]
      \s [(decode-text content) tokens]
      \b [(= content "1") tokens]
      \n [nil tokens]
      \m (let [[items tokens] (decode-many (* 2 (Long/parseLong content)) tokens)]
           [(apply hash-map items) tokens])
      (decode-many (Long/parseLong content) tokens))))

;; --- values out ---

(defn encode-float [value]
  (cond (Double/isNaN value) "fnan"
        (Double/isInfinite value) (if (pos? value) "finf" "f-inf")
        :else (str "f" value)))

(defn encode [value kind]
  (cond (nil? value) ["n"]
        (true? value) ["b1"]
        (false? value) ["b0"]
        (integer? value) [(str "i" (biginteger value))]
        (float? value) [(encode-float (double value))]
        (string? value) [(str "s" (encode-text value))]
        (char? value) [(str "s" (encode-text (str value)))]
        (record? value) (throw (ex-info "a record is not language-neutral" {}))
        (map? value) (into [(str "m" (count value))]
                           (mapcat (fn [[k v]] (concat (encode k (inner-kind kind 0)) (encode v (inner-kind kind 1)))) value))
        (sequential? value) (into [(str (if (= (:tag kind) \t) "t" "l") (count value))]
                                  (apply concat (map-indexed #(encode %2 (inner-kind kind %1)) value)))
        :else (throw (ex-info (str "a value of " (class value) " is not language-neutral") {}))))

;; --- the run ---

;; Descriptor 3 was inherited; there is no public way to wrap a number.
(defn open-channel []
  (let [field (doto (.getDeclaredField sun.misc.Unsafe "theUnsafe") (.setAccessible true))
        ^sun.misc.Unsafe unsafe (.get field nil)
        descriptor (java.io.FileDescriptor.)
        offset (.objectFieldOffset unsafe (.getDeclaredField java.io.FileDescriptor "fd"))]
    (.putInt unsafe descriptor (long offset) (int 3))
    (java.io.FileOutputStream. descriptor)))

(defn describe [^Throwable problem]
  (let [text (str (.getName (class problem)) ": " (.getMessage problem))]
    (encode-text (subs text 0 (min 300 (count text))))))

(defn result [target line kind]
  (let [[called value] (try
                         [true (apply target (map #(first (decode (string/split % #" "))) (if (= line "") [] (string/split line #"\t"))))]
                         (catch Throwable problem [false (str "raised " (describe problem))]))]
    (if-not called
      value
      (try (str "returned " (string/join " " (encode value kind)))
           (catch Throwable problem (str "unreadable " (describe problem)))))))

;; The text is read form by form first, so that one that cannot be read is told from one that fails.
(defn read-all [text]
  (let [reader (clojure.lang.LineNumberingPushbackReader. (java.io.StringReader. text))]
    (binding [*read-eval* false]
      (while (not= (read {:eof ::end :read-cond :allow} reader) ::end)))))

(defn main []
  (let [[nonce entry-point _ result-type size & cases] (string/split (slurp *in*) #"\n" -1)
        channel (open-channel)
        send (fn [text] (.write channel (.getBytes (str nonce " " text "\n") "US-ASCII")))
        text (slurp "solution.clj")]
    (binding [*ns* (create-ns 'user)]
      (clojure.core/refer-clojure)
      (try (read-all text)
           (catch Throwable problem
             (send (str "parse_error " (describe problem)))
             (.halt (Runtime/getRuntime) 1)))
      (load-string text)
      (let [target (or (some #(let [v (ns-resolve % (symbol entry-point))]
                                (when (and (var? v) (= (.ns ^clojure.lang.Var v) %)) v))
                             (cons *ns* (remove #(string/starts-with? (str %) "clojure.") (all-ns))))
                       (throw (ex-info (str "the program defines no function " entry-point) {})))
            [kind] (read-kind (string/split result-type #" "))]
        (dotimes [index (Long/parseLong size)]
          (send (str index " " (result target (nth cases index) kind))))
        (send "finished")
        (flush)
        (.halt (Runtime/getRuntime) 0)))))

(let [problem (atom nil)
      body (bound-fn [] (try (main) (catch Throwable found (reset! problem found))))]
  (doto (Thread. nil body "program" 0) (.start) (.join))
  (when @problem
    (.printStackTrace ^Throwable @problem)
    (.halt (Runtime/getRuntime) 1)))
