# frozen_string_literal: true

# The Ruby driver: calls one method of a program on each input and writes the results to a private descriptor.
#
# It runs inside the sandbox: `ruby driver.rb`, the program beside it in solution.rb, the request on stdin. Lines in and out are
# described in docs/architecture/execution.md. An array may be a list or a tuple: the signature's result type says which.
module CodemillDriver
  class Unreadable < StandardError; end
  Kind = Struct.new(:tag, :inner)
  ANY = Kind.new('?', [].freeze)
  CLASS_OF = Kernel.instance_method(:class) # an object that lies about its class is no value
  NAME_OF = Module.instance_method(:name)
  F_DUPFD_CLOEXEC = 1030
  CAUGHT = [StandardError, ScriptError, NoMemoryError, SystemStackError, SecurityError].freeze

  # --- types: prefix tokens, `l t2 i s` for list[tuple[int, str]] ---

  def self.read_kind(tokens)
    token = tokens.shift
    count = { 't' => token[1..].to_i, 'm' => 2, 'l' => 1 }.fetch(token[0], 0)
    Kind.new(token[0], Array.new(count) { read_kind(tokens) })
  end

  def self.inner(kind, index) = kind.inner[kind.tag == 't' ? index : 0] || ANY

  # --- values in ---

  def self.decode_float(text)
    case text
    when 'nan' then Float::NAN
    when 'inf' then Float::INFINITY
    when '-inf' then -Float::INFINITY
    else text.to_f
    end
  end

  def self.decode(tokens)
    token = tokens.shift
    rest = token[1..]
    case token[0]
    when 'i' then rest.to_i
    when 'f' then decode_float(rest)
    when 's' then [rest].pack('H*').force_encoding(Encoding::UTF_8)
    when 'b' then rest == '1'
    when 'n' then nil
    when 'm' then Array.new(rest.to_i) { [decode(tokens), decode(tokens)] }.to_h
    else Array.new(rest.to_i) { decode(tokens) }
    end
  end

  # --- values out: exact classes only ---

  def self.encode_float(value)
    return 'fnan' if value.nan?
    return value.positive? ? 'finf' : 'f-inf' if value.infinite?

    "f#{value}"
  end

  def self.encode_text(value)
    utf8 = [Encoding::UTF_8, Encoding::US_ASCII, Encoding::BINARY].include?(value.encoding)
    (utf8 ? value : value.encode(Encoding::UTF_8)).unpack1('H*')
  end

  def self.encode(value, kind, out)
    case NAME_OF.bind_call(found = CLASS_OF.bind_call(value))
    when 'NilClass' then out << 'n'
    when 'TrueClass' then out << 'b1'
    when 'FalseClass' then out << 'b0'
    when 'Integer' then out << "i#{value}"
    when 'Float' then out << encode_float(value)
    when 'String' then out << "s#{encode_text(value)}"
    when 'Array'
      out << "#{kind.tag == 't' ? 't' : 'l'}#{value.size}"
      value.each_with_index { |item, index| encode(item, inner(kind, index), out) }
    when 'Hash'
      out << "m#{value.size}"
      value.each { |key, item| encode(key, kind.inner[0] || ANY, out) && encode(item, kind.inner[1] || ANY, out) }
    else raise Unreadable, "a value of class #{found} is not language-neutral"
    end
    out
  end

  # --- the run ---

  def self.hex(text) = text.to_s.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)[0, 300].unpack1('H*')

  def self.describe(error) = hex("#{CLASS_OF.bind_call(error)}: #{error.message}")

  def self.result(target, line, kind)
    begin
      value = target.call(*line.split("\t").map { |part| decode(part.split(' ')) })
    rescue *CAUGHT => e
      return "raised #{describe(e)}"
    end
    "returned #{encode(value, kind, []).join(' ')}"
  rescue *CAUGHT => e
    "unreadable #{describe(e)}"
  end

  def self.load(code)
    RubyVM::InstructionSequence.compile(code, 'solution.rb', 'solution.rb')
  rescue SyntaxError => e
    yield "parse_error #{hex(e.message)}"
    exit!(1)
  end

  def self.find(name)
    top = TOPLEVEL_BINDING.receiver
    return top.method(name) if top.respond_to?(name, true)
    return ->(*given) { ::Solution.new.method(name).call(*given) } if defined?(::Solution) && ::Solution.method_defined?(name)
    return ::Solution.method(name) if defined?(::Solution) && ::Solution.respond_to?(name)

    raise NameError, "the program defines no method '#{name}'"
  end

  def self.open_channel
    given = IO.for_fd(3, 'wb', autoclose: false)
    channel = IO.for_fd(given.fcntl(F_DUPFD_CLOEXEC, 64 + rand(200)), 'wb')
    IO.for_fd(3, 'wb').close
    channel.sync = true
    channel
  end

  def self.main
    code = File.read('solution.rb', encoding: 'UTF-8') # first: a warm start begins here
    nonce, entry_point, _, result_type, count, *cases = $stdin.read.split("\n", -1)
    $stdin.reopen(File::NULL)
    channel = open_channel
    send = ->(text) { channel.write("#{nonce} #{text}\n") }
    load(code, &send).eval
    target = find(entry_point)
    kind = read_kind(result_type.split(' '))
    count.to_i.times { |index| send.call("#{index} #{result(target, cases[index], kind)}") }
    send.call('finished')
    $stdout.flush
    exit!(0)
  end
end

CodemillDriver.main
