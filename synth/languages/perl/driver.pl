# The Perl driver: calls one subroutine of a program on each input and writes the results to a private descriptor.
#
# It runs inside the sandbox: `perl driver.pl`, the program beside it in solution.pl, the request on stdin. Lines in and out are
# described in docs/architecture/execution.md. A Perl scalar has no one type, so the signature's result type decides what it is;
# lists and tuples are array references, maps are hash references, text is text and not bytes.
package CodemillDriver;
use strict;
use warnings;

my $ANY = ['?', []];
my $NEGATIVE_ZERO = unpack('d<', pack('H*', '0000000000000080'));
my $INFINITY = 9**9**9;
our $started = 0;

# --- types: prefix tokens, `l t2 i s` for list[tuple[int, str]] ---

sub read_kind {
    my ($tokens) = @_;
    my $token = shift @$tokens;
    my $tag = substr($token, 0, 1);
    my $count = $tag eq 't' ? substr($token, 1) : $tag eq 'm' ? 2 : $tag eq 'l' ? 1 : 0;
    return [$tag, [map { read_kind($tokens) } 1 .. $count]];
}

# --- values in ---

sub decode_int {
    my ($text) = @_;
    my $value = 0 + $text;
    die "the integer $text does not fit 64 bits\n" if "$value" ne $text;
    return $value;
}

sub decode_float {
    my ($text) = @_;
    return $INFINITY - $INFINITY if $text eq 'nan';
    return $INFINITY if $text eq 'inf';
    return -$INFINITY if $text eq '-inf';
    return $text eq '-0.0' ? $NEGATIVE_ZERO : 0 + $text;
}

sub decode {
    my ($tokens) = @_;
    my $token = shift @$tokens;
    my ($tag, $rest) = (substr($token, 0, 1), substr($token, 1));
    return decode_int($rest) if $tag eq 'i';
    return decode_float($rest) if $tag eq 'f';
    if ($tag eq 's') { my $text = pack('H*', $rest); utf8::decode($text); return $text }
    return $rest if $tag eq 'b';
    return undef if $tag eq 'n';
    return +{map { decode($tokens) } 1 .. 2 * $rest} if $tag eq 'm';
    return [map { decode($tokens) } 1 .. $rest];
}

# --- values out ---

sub encode_number {
    my ($value, $tag) = @_;
    return 'i' . $value if $tag ne 'f' && "$value" =~ /\A-?[1-9][0-9]*\z|\A0\z/;
    my $number = 0 + $value;
    return 'fnan' if $number != $number;
    return $number > 0 ? 'finf' : 'f-inf' if $number == $INFINITY || $number == -$INFINITY;
    return $tag eq 'i' && $number == int($number) ? 'i' . sprintf('%.0f', $number) =~ s/\A-0\z/0/r : 'f' . sprintf('%.17g', $value);
}

sub encode_text {
    my $text = "$_[0]";
    utf8::encode($text);
    return 's' . unpack('H*', $text);
}

sub is_number { return $_[0] =~ /\A\s*[-+]?(?:[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?|\.[0-9]+(?:e[-+]?[0-9]+)?|inf(?:inity)?|nan)\s*\z/i }

# Where the type is not known, a scalar is a number if it was made as one.
sub is_made_as_number {
    require B;
    my $flags = B::svref_2object(\$_[0])->FLAGS;
    return !($flags & B::SVf_POK()) && ($flags & (B::SVf_IOK() | B::SVf_NOK()));
}

sub encode_scalar {
    my ($value, $tag, $out) = @_;
    if ($tag eq 'b' && $value =~ /\A[01]?\z/) { push @$out, $value ? 'b1' : 'b0' }
    elsif ($tag eq 's') { push @$out, encode_text($value) }
    elsif ($tag =~ /[ifb]/ && is_number($value)) { push @$out, encode_number($value, $tag) }
    elsif ($tag eq '?' && is_made_as_number($value)) { push @$out, encode_number($value, '?') }
    else { push @$out, encode_text($value) }
    return;
}

sub encode {
    my ($value, $kind, $out) = @_;
    my ($tag, $inner) = @$kind;
    my $reference = ref $value;
    if (!defined $value) { push @$out, $tag eq 'b' ? 'b0' : 'n' }
    elsif ($reference eq '') { encode_scalar($value, $tag, $out) }
    elsif ($reference eq 'ARRAY') {
        push @$out, ($tag eq 't' ? 't' : 'l') . @$value;
        encode($value->[$_], $inner->[$tag eq 't' ? $_ : 0] || $ANY, $out) for 0 .. $#$value;
    }
    elsif ($reference eq 'HASH') {
        push @$out, 'm' . keys %$value;
        for my $key (sort keys %$value) { encode($key, $inner->[0] || ['s', []], $out); encode($value->{$key}, $inner->[1] || $ANY, $out) }
    }
    else { die "a reference to $reference is not language-neutral\n" }
    return;
}

# --- the run ---

sub hex_of { my $text = substr("$_[0]", 0, 300); utf8::encode($text); return unpack('H*', $text) }

# A list that was returned without a reference is taken for what the signature promises.
sub call {
    my ($target, $kind, @arguments) = @_;
    return scalar $target->(@arguments) if $kind->[0] !~ /[ltm]/;
    my @results = $target->(@arguments);
    return $results[0] if @results == 1 && ref $results[0];
    return $kind->[0] eq 'm' ? {@results} : [@results];
}

sub result {
    my ($target, $line, $kind) = @_;
    my $value;
    my $lived = eval { $value = call($target, $kind, map { decode([split / /, $_]) } split /\t/, $line); 1 };
    return 'raised ' . hex_of($@) if !$lived;
    my @out;
    return eval { encode($value, $kind, \@out); 1 } ? 'returned ' . join(' ', @out) : 'unreadable ' . hex_of($@);
}

sub read_file {
    open(my $file, '<:raw', $_[0]) or die "cannot read $_[0]: $!\n";
    local $/;
    my $text = <$file>;
    utf8::decode($text);
    return $text;
}

sub main_run {
    my $code = read_file('solution.pl');    # first: a warm start begins here
    my ($nonce, $entry_point, undef, $result_type, $count, @cases) = split /\n/, do { local $/; <STDIN> }, -1;
    open(STDIN, '<', '/dev/null') or die $!;
    open(my $channel, '>&=', 3) or die $!;
    my $send = sub { syswrite($channel, "$nonce $_[0]\n") // die "the channel is closed\n" };
    CodemillProgram::load($code);
    if ($@) {
        if (!$started && $@ =~ /syntax error|^Missing|^Can't find|^Unmatched|^Bareword|^Global symbol/m) { $send->('parse_error ' . hex_of($@)) }
        print STDERR $@;
        exit 1;
    }
    my $target = main->can($entry_point) || method($entry_point) or die "the program defines no subroutine '$entry_point'\n";
    my $kind = read_kind([split / /, $result_type]);
    $send->("$_ " . result($target, $cases[$_], $kind)) for 0 .. $count - 1;
    $send->('finished');
    return;
}

# Of a package `Solution`: on an object of its own for each call if the package makes objects, else its subroutine.
sub method {
    my ($name) = @_;
    return Solution->can($name) unless Solution->can($name) && Solution->can('new');
    return sub { Solution->new->$name(@_) };
}

package CodemillProgram;

# With nothing of the driver in sight; the first statement shows that the text could be read.
sub load { eval "package main; no strict; no warnings; \$CodemillDriver::started = 1;\n#line 1 \"solution.pl\"\n$_[0]\n;1"; return }

CodemillDriver::main_run();
