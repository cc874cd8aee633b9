package codemill

import java.math.BigInteger
import scala.collection.mutable.{ArrayBuffer, ListBuffer}

/** The Scala driver: calls one function of a program on each input and writes the results to a private descriptor.
  *
  * It is compiled once; each program is compiled with a start object that names the function. Lines in and out are described in
  * docs/architecture/execution.md. Arguments are read as the types that the function declares, through implicit `Wire`s.
  */
final class Reader(tokens: Iterator[String]) {
  def take(wanted: Char): String = {
    val token = tokens.next()
    if (token.head != wanted) throw new IllegalArgumentException(s"the input has '${token.head}' where the parameter needs '$wanted'")
    token.tail
  }
}

trait Wire[T] {
  def read(in: Reader): T
  def write(value: T, out: ArrayBuffer[String]): Unit
}

object Wire {
  def make[T](reader: Reader => T)(writer: (T, ArrayBuffer[String]) => Unit): Wire[T] = new Wire[T] {
    def read(in: Reader): T = reader(in)
    def write(value: T, out: ArrayBuffer[String]): Unit = writer(value, out)
  }

  // --- text: UTF-8 in hex, lone surrogates as three bytes ---

  private def bytesOf(hex: String): Array[Int] = hex.grouped(2).map(Integer.parseInt(_, 16)).toArray

  def decodeText(hex: String): String = {
    val bytes = if (hex.isEmpty) Array.empty[Int] else bytesOf(hex)
    val text = new java.lang.StringBuilder
    var i = 0
    while (i < bytes.length) {
      val b = bytes(i)
      val size = if (b < 0x80) 1 else if (b < 0xe0) 2 else if (b < 0xf0) 3 else 4
      var point = if (size == 1) b else b & (0xff >> (size + 1))
      for (k <- 1 until size) point = (point << 6) | (bytes(i + k) & 0x3f)
      text.appendCodePoint(point)
      i += size
    }
    text.toString
  }

  def encodeText(text: String): String = {
    val out = new java.lang.StringBuilder
    def put(value: Int): Unit = out.append(f"$value%02x")
    def tail(point: Int, from: Int): Unit = for (shift <- from to 0 by -6) put(0x80 | ((point >> shift) & 0x3f))
    var i = 0
    while (i < text.length) {
      val point = text.codePointAt(i)
      i += Character.charCount(point)
      if (point < 0x80) put(point)
      else if (point < 0x800) { put(0xc0 | (point >> 6)); tail(point, 0) }
      else if (point < 0x10000) { put(0xe0 | (point >> 12)); tail(point, 6) }
      else { put(0xf0 | (point >> 18)); tail(point, 12) }
    }
    out.toString
  }

  private def decodeFloat(text: String): Double = text match {
    case "nan" => Double.NaN
    case "inf" => Double.PositiveInfinity
    case "-inf" => Double.NegativeInfinity
    case _ => java.lang.Double.parseDouble(text)
  }

  private def encodeFloat(value: Double): String =
    if (value.isNaN) "fnan" else if (value.isInfinity) (if (value > 0) "finf" else "f-inf") else "f" + value

  // --- scalars ---

  implicit val long: Wire[Long] = make(in => java.lang.Long.parseLong(in.take('i')))((value, out) => out += "i" + value)
  implicit val int: Wire[Int] = make(in => Math.toIntExact(java.lang.Long.parseLong(in.take('i'))))((value, out) => out += "i" + value)
  implicit val bigInt: Wire[BigInt] = make(in => BigInt(in.take('i')))((value, out) => out += "i" + value)
  implicit val double: Wire[Double] = make(in => decodeFloat(in.take('f')))((value, out) => out += encodeFloat(value))
  implicit val string: Wire[String] = make(in => decodeText(in.take('s')))((value, out) => out += "s" + encodeText(value))
  implicit val char: Wire[Char] = make { in =>
    val text = decodeText(in.take('s'))
    if (text.length != 1) throw new IllegalArgumentException("the string does not fit a Char")
    text.head
  }((value, out) => out += "s" + encodeText(value.toString))
  implicit val boolean: Wire[Boolean] = make(in => in.take('b') == "1")((value, out) => out += (if (value) "b1" else "b0"))
  implicit val unit: Wire[Unit] = make { in => in.take('n'); () }((_, out) => out += "n")

  // --- collections ---

  private def readItems[T](in: Reader)(implicit wire: Wire[T]): List[T] = {
    val items = new ListBuffer[T]
    for (_ <- 0 until in.take('l').toInt) items += wire.read(in)
    items.toList
  }

  private def writeItems[T](items: Seq[T], out: ArrayBuffer[String])(implicit wire: Wire[T]): Unit = {
    out += "l" + items.length
    items.foreach(wire.write(_, out))
  }

  implicit def list[T](implicit wire: Wire[T]): Wire[List[T]] = make(in => readItems[T](in))((items, out) => writeItems(items, out))
  implicit def seq[T](implicit wire: Wire[T]): Wire[Seq[T]] = make[Seq[T]](in => readItems[T](in))((items, out) => writeItems(items, out))
  implicit def vector[T](implicit wire: Wire[T]): Wire[Vector[T]] = make(in => readItems[T](in).toVector)((items, out) => writeItems(items, out))
  implicit def buffer[T](implicit wire: Wire[T]): Wire[ArrayBuffer[T]] =
    make(in => ArrayBuffer(readItems[T](in): _*))((items, out) => writeItems(items.toSeq, out))
  implicit def array[T](implicit wire: Wire[T], tag: scala.reflect.ClassTag[T]): Wire[Array[T]] =
    make(in => readItems[T](in).toArray)((items, out) => writeItems(items.toSeq, out))

  implicit def map[K, V](implicit keys: Wire[K], values: Wire[V]): Wire[Map[K, V]] = make { in =>
    (0 until in.take('m').toInt).map { _ => val key = keys.read(in); key -> values.read(in) }.toMap
  } { (items, out) =>
    out += "m" + items.size
    for ((key, value) <- items) { keys.write(key, out); values.write(value, out) }
  }

  implicit def option[T](implicit wire: Wire[T]): Wire[Option[T]] = make[Option[T]](in => Some(wire.read(in))) { (item, out) =>
    if (item.isEmpty) out += "n" else wire.write(item.get, out)
  }

  // --- tuples ---

  private def open(in: Reader, count: Int): Unit =
    if (in.take('t').toInt != count) throw new IllegalArgumentException("the tuple has another length")

  implicit def tuple1[A](implicit a: Wire[A]): Wire[Tuple1[A]] =
    make { in => open(in, 1); Tuple1(a.read(in)) } { (value, out) => out += "t1"; a.write(value._1, out) }
  implicit def tuple2[A, B](implicit a: Wire[A], b: Wire[B]): Wire[(A, B)] = make { in =>
    open(in, 2)
    val first = a.read(in)
    (first, b.read(in))
  } { (value, out) => out += "t2"; a.write(value._1, out); b.write(value._2, out) }
  implicit def tuple3[A, B, C](implicit a: Wire[A], b: Wire[B], c: Wire[C]): Wire[(A, B, C)] = make { in =>
    open(in, 3)
    val first = a.read(in)
    val second = b.read(in)
    (first, second, c.read(in))
  } { (value, out) => out += "t3"; a.write(value._1, out); b.write(value._2, out); c.write(value._3, out) }
  implicit def tuple4[A, B, C, D](implicit a: Wire[A], b: Wire[B], c: Wire[C], d: Wire[D]): Wire[(A, B, C, D)] = make { in =>
    open(in, 4)
    val first = a.read(in)
    val second = b.read(in)
    val third = c.read(in)
    (first, second, third, d.read(in))
  } { (value, out) => out += "t4"; a.write(value._1, out); b.write(value._2, out); c.write(value._3, out); d.write(value._4, out) }
}

/** The arguments of one case, one after the other. */
final class Arguments(line: String) {
  private val parts = line.split("\t", -1).iterator
  def next[T](implicit wire: Wire[T]): T = wire.read(new Reader(parts.next().split(" ").iterator))
}

object Driver {
  def wire[T](value: T)(implicit wire: Wire[T]): String = {
    val out = new ArrayBuffer[String]
    wire.write(value, out)
    out.mkString(" ")
  }

  type Call = Arguments => String

  // A function with parameters of declared types, as a call on the arguments of a case.
  def f0[R](call: () => R)(implicit r: Wire[R]): Call = in => wire(call())
  def f1[A, R](call: (A) => R)(implicit a: Wire[A], r: Wire[R]): Call =
    in => wire(call(in.next[A]))
  def f2[A, B, R](call: (A, B) => R)(implicit a: Wire[A], b: Wire[B], r: Wire[R]): Call =
    in => wire(call(in.next[A], in.next[B]))
  def f3[A, B, C, R](call: (A, B, C) => R)(implicit a: Wire[A], b: Wire[B], c: Wire[C], r: Wire[R]): Call =
    in => wire(call(in.next[A], in.next[B], in.next[C]))
  def f4[A, B, C, D, R](call: (A, B, C, D) => R)(implicit a: Wire[A], b: Wire[B], c: Wire[C], d: Wire[D], r: Wire[R]): Call =
    in => wire(call(in.next[A], in.next[B], in.next[C], in.next[D]))
  def f5[A, B, C, D, E, R](call: (A, B, C, D, E) => R)(implicit a: Wire[A], b: Wire[B], c: Wire[C], d: Wire[D], e: Wire[E], r: Wire[R]): Call =
    in => wire(call(in.next[A], in.next[B], in.next[C], in.next[D], in.next[E]))
  def f6[A, B, C, D, E, F, R](call: (A, B, C, D, E, F) => R)(implicit a: Wire[A], b: Wire[B], c: Wire[C], d: Wire[D], e: Wire[E], f: Wire[F], r: Wire[R]): Call =
    in => wire(call(in.next[A], in.next[B], in.next[C], in.next[D], in.next[E], in.next[F]))

  private def describe(error: Throwable): String = {
    val text = error.getClass.getName + ": " + error.getMessage
    Wire.encodeText(text.take(300))
  }

  /** Descriptor 3 was inherited; there is no public way to wrap a number. */
  private def openChannel(): java.io.FileOutputStream = {
    val field = classOf[sun.misc.Unsafe].getDeclaredField("theUnsafe")
    field.setAccessible(true)
    val unsafe = field.get(null).asInstanceOf[sun.misc.Unsafe]
    val descriptor = new java.io.FileDescriptor
    unsafe.putInt(descriptor, unsafe.objectFieldOffset(classOf[java.io.FileDescriptor].getDeclaredField("fd")), 3)
    new java.io.FileOutputStream(descriptor)
  }

  private def run(call: Arguments => String): Unit = {
    val lines = scala.io.Source.fromInputStream(System.in, "ISO-8859-1").mkString.split("\n", -1)
    val channel = openChannel()
    def send(text: String): Unit = channel.write((lines(0) + " " + text + "\n").getBytes("ISO-8859-1"))
    for (index <- 0 until lines(4).toInt) {
      val told = try "returned " + call(new Arguments(lines(5 + index))) catch { case error: Throwable => "raised " + describe(error) }
      send(s"$index $told")
    }
    send("finished")
    System.out.flush()
    Runtime.getRuntime.halt(0)
  }

  def drive(call: Arguments => String): Unit = {
    val thread = new Thread(null, new Runnable {
      def run(): Unit =
        try Driver.run(call) catch { case error: Throwable => error.printStackTrace(); Runtime.getRuntime.halt(1) }
    }, "program", 0)
    thread.start()
    thread.join()
  }
}
