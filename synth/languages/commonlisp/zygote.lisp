;;;; The warm SBCL: starts each program by a fork into namespaces of its own.
;;;;
;;;; It runs inside a worker of the sandbox in the place of a program (main.lisp) or at the end of the driver, beside libzygote.so
;;;; (synth/execution/zygote.c), whose call returns in the programs only. One form, because a program has none of the files that are
;;;; open here. The one rule: what a program finds is what it would find in a fresh process, so no symbol and no package is made.
(progn
  (sb-alien:load-shared-object "/work/libzygote.so")
  (sb-impl::finalizer-thread-stop)
  (sb-alien:alien-funcall (sb-alien:extern-alien "codemill_serve" (function sb-alien:int)))
  (sb-impl::finalizer-thread-start)
  (setf *gensym-counter* #.*gensym-counter*)
  (if (probe-file "main.lisp")
      (sb-impl::process-script "main.lisp")
      (funcall (find-symbol "MAIN" "CODEMILL-DRIVER"))))
