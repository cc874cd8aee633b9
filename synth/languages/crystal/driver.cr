# The Crystal driver: calls one method of a program on each input and writes the results to a private descriptor.
#
# It is compiled with each program, before a start file that names the method. Lines in and out are described in
# docs/architecture/execution.md. Arguments are read as the types of the signature.
module Codemill
  class Reader
    def initialize(text : String)
      @tokens = text.split(' ')
      @at = 0
    end

    def take(wanted : Char) : String
      token = @tokens[@at]? || ""
      raise ArgumentError.new("the input has another type where the parameter needs '#{wanted}'") unless token.starts_with?(wanted)
      @at += 1
      token[1..]
    end
  end

  # --- values in ---

  def self.read(reader, type : Int64.class) : Int64
    reader.take('i').to_i64
  end

  def self.read(reader, type : Int32.class) : Int32
    reader.take('i').to_i32
  end

  def self.read(reader, type : Float32.class) : Float32
    read(reader, Float64).to_f32
  end

  def self.read(reader, type : Char.class) : Char
    text = read(reader, String)
    raise ArgumentError.new("the string does not fit a Char") unless text.size == 1
    text[0]
  end

  def self.read(reader, type : Float64.class) : Float64
    case text = reader.take('f')
    when "nan"  then Float64::NAN
    when "inf"  then Float64::INFINITY
    when "-inf" then -Float64::INFINITY
    else             text.to_f64
    end
  end

  def self.read(reader, type : Bool.class) : Bool
    reader.take('b') == "1"
  end

  def self.read(reader, type : Nil.class) : Nil
    reader.take('n')
    nil
  end

  def self.read(reader, type : String.class) : String
    String.new(reader.take('s').hexbytes)
  end

  def self.read(reader, type : Array(T).class) : Array(T) forall T
    Array(T).new(reader.take('l').to_i) { read(reader, T) }
  end

  def self.read(reader, type : Hash(K, V).class) : Hash(K, V) forall K, V
    made = {} of K => V
    reader.take('m').to_i.times do
      key = read(reader, K)
      made[key] = read(reader, V)
    end
    made
  end

  def self.read(reader, type : Tuple(*T).class) forall T
    reader.take('t')
    {% begin %}
      Tuple.new({% for index in 0...T.size %} read(reader, {{T[index]}}), {% end %})
    {% end %}
  end

  # --- values out ---

  def self.put(value : Int, words)
    words << "i#{value}"
  end

  def self.put(value : Float, words)
    words << (value.nan? ? "fnan" : value.infinite? ? (value > 0 ? "finf" : "f-inf") : "f%.17g" % value)
  end

  def self.put(value : Bool, words)
    words << (value ? "b1" : "b0")
  end

  def self.put(value : Nil, words)
    words << "n"
  end

  def self.put(value : String, words)
    words << "s#{value.to_slice.hexstring}"
  end

  def self.put(value : Char, words)
    put(value.to_s, words)
  end

  def self.put(value : Array, words)
    words << "l#{value.size}"
    value.each { |item| put(item, words) }
  end

  def self.put(value : Hash, words)
    words << "m#{value.size}"
    value.each do |key, item|
      put(key, words)
      put(item, words)
    end
  end

  def self.put(value : Tuple, words)
    words << "t#{value.size}"
    value.each { |item| put(item, words) }
  end

  def self.wire(value) : String
    words = [] of String
    put(value, words)
    words.join(' ')
  end

  # --- the run ---

  class Arguments
    def initialize(line : String)
      @parts = line.split('\t')
      @at = -1
    end

    def next(type)
      @at += 1
      Codemill.read(Reader.new(@parts[@at]), type)
    end
  end

  def self.result(line, &)
    "returned #{wire(yield Arguments.new(line))}"
  rescue problem
    "raised #{"#{problem.class}: #{problem.message}"[0, 300].to_slice.hexstring}"
  end

  def self.drive(& : Arguments -> _)
    lines = REQUEST
    lines[4].to_i.times do |index|
      send("#{index} #{result(lines[5 + index]) { |arguments| yield arguments }}")
    end
    send("finished")
    STDOUT.flush
    LibC._exit(0)
  end

  def self.send(text)
    line = "#{REQUEST[0]} #{text}\n".to_slice
    while line.size > 0
      written = LibC.write(3, line, line.size)
      LibC._exit(1) if written <= 0
      line += written
    end
  end

  REQUEST = STDIN.gets_to_end.split('\n')
end
