namespace Mesh.Hocon.Tests;

/// <summary>"Automatic type conversions", "Units format", "Duration format", "Size in bytes format" and numerically-indexed objects.</summary>
public sealed class ConversionTests
{
    private static HoconValue Value(string text) => Hocon.Object($"a = {text}").Find("a")!;

    [Theory]
    [InlineData("true", true)]
    [InlineData("yes", true)]
    [InlineData("\"on\"", true)]
    [InlineData("false", false)]
    [InlineData("no", false)]
    [InlineData("off", false)]
    [InlineData("1", null)]
    [InlineData("TRUE", null)]
    [InlineData("null", null)]
    [InlineData("[true]", null)]
    public void Automatic_type_conversions_to_boolean(string text, bool? expected)
        => Assert.Equal(expected, HoconConvert.TryToBoolean(Value(text), out bool result) ? result : null);

    [Theory]
    [InlineData("42", 42L)]
    [InlineData("\"42\"", 42L)]
    [InlineData("-1", -1L)]
    [InlineData("1e3", 1000L)]
    [InlineData("10.0", 10L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("1e400", null)]
    [InlineData("1e-40", null)]
    [InlineData("1.00000000000000000000000000000001", null)]
    [InlineData("1.0000000000000000000000000000000000", 1L)]
    [InlineData("0e-99999999999", 0L)]
    [InlineData("1.5", null)]
    [InlineData("0x10", null)]
    [InlineData("007", null)]
    [InlineData("\" 1\"", null)]
    [InlineData("true", null)]
    [InlineData("null", null)]
    [InlineData("{}", null)]
    public void Automatic_type_conversions_to_whole_numbers(string text, long? expected)
        => Assert.Equal(expected, HoconConvert.TryToInt64(Value(text), out long result) ? result : null);

    [Theory]
    [InlineData("1.5", 1.5)]
    [InlineData("\"1e-3\"", 0.001)]
    [InlineData("-0.0", -0.0)]
    [InlineData("1e400", null)]
    [InlineData("NaN", null)]
    [InlineData("Infinity", null)]
    [InlineData(".5", null)]
    [InlineData("\"5.\"", null)]
    public void Automatic_type_conversions_to_numbers(string text, double? expected)
        => Assert.Equal(expected, HoconConvert.TryToDouble(Value(text), out double result) ? result : null);

    [Theory]
    [InlineData("1.50", "1.50")]
    [InlineData("true", "true")]
    [InlineData("null", null)]
    [InlineData("[]", null)]
    public void Automatic_type_conversions_to_text(string text, string? expected)
        => Assert.Equal(expected, HoconConvert.TryToText(Value(text), out string? result) ? result : null);

    [Theory]
    [InlineData("10", 10)]
    [InlineData("10 ms", 10)]
    [InlineData("10ms", 10)]
    [InlineData("\" 10   millis \"", 10)]
    [InlineData("1.5 s", 1500)]
    [InlineData("2 minutes", 120_000)]
    [InlineData("1 m", 60_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("1 day", 86_400_000)]
    [InlineData("1000 us", 1)]
    [InlineData("1000000 nanos", 1)]
    [InlineData("-1 s", -1000)]
    [InlineData("1 MS", null)]
    [InlineData("1 S", null)]
    [InlineData("1 week", null)]
    [InlineData("1 ns", null)]
    [InlineData("1e-27 ns", null)]
    [InlineData("0.00000000000000000000000000000000001 s", null)]
    [InlineData("s", null)]
    [InlineData("1 s s", null)]
    [InlineData("1000000000000 d", null)]
    [InlineData("true", null)]
    public void Duration_format(string text, int? milliseconds)
        => Assert.Equal(milliseconds, HoconConvert.TryToDuration(Value(text), out TimeSpan result) ? (int)result.TotalMilliseconds : null);

    [Theory]
    [InlineData("ns nano nanos nanosecond nanoseconds", 100)]
    [InlineData("us micro micros microsecond microseconds", 100_000)]
    [InlineData("ms milli millis millisecond milliseconds", 100_000_000)]
    public void Duration_format_every_small_unit(string units, long nanoseconds)
    {
        foreach (string unit in units.Split(' '))
        {
            Assert.True(HoconConvert.TryToDuration(Value($"100 {unit}"), out TimeSpan result));
            Assert.Equal(nanoseconds, result.Ticks * 100);
        }
    }

    [Theory]
    [InlineData("512", 512L)]
    [InlineData("1 B", 1L)]
    [InlineData("1 byte", 1L)]
    [InlineData("1kB", 1000L)]
    [InlineData("1 kilobytes", 1000L)]
    [InlineData("1 K", 1024L)]
    [InlineData("1k", 1024L)]
    [InlineData("1 Ki", 1024L)]
    [InlineData("1 KiB", 1024L)]
    [InlineData("1 MB", 1_000_000L)]
    [InlineData("1 m", 1_048_576L)]
    [InlineData("1.5 G", 1_610_612_736L)]
    [InlineData("7 EiB", 8_070_450_532_247_928_832L)]
    [InlineData("0.3 K", 307L)]
    [InlineData("8 EiB", null)]
    [InlineData("1 YB", null)]
    [InlineData("99999999999999999999999999 YiB", null)]
    [InlineData("1 KB", null)]
    [InlineData("1 mB", null)]
    [InlineData("x", null)]
    public void Size_in_bytes_format(string text, long? expected)
        => Assert.Equal(expected, HoconConvert.TryToBytes(Value(text), out long result) ? result : null);

    [Theory]
    [InlineData("[a, b]", "a b")]
    [InlineData("{\"0\": a, \"1\": b}", "a b")]
    [InlineData("{\"2\": b, x: no, \"0\": a, \"-1\": no}", "a b")]
    [InlineData("{}", null)]
    [InlineData("{x: 1}", null)]
    [InlineData("a", null)]
    public void Conversion_of_numerically_indexed_objects_to_arrays(string text, string? expected)
    {
        bool isList = HoconConvert.TryToList(Value(text), out IReadOnlyList<HoconValue>? items);
        Assert.Equal(expected, isList ? string.Join(' ', items!.Cast<HoconScalar>().Select(item => item.Text)) : null);
    }

    [Fact]
    public void Conversion_of_numerically_indexed_objects_to_arrays_in_a_concatenation()
        => Hocon.Same("{n{\"0\":a,\"1\":b},l:[a,b,c]}", "n{\"0\":a,\"1\":b}\nl = ${n} [c]");

    [Fact]
    public void What_is_written_is_read_back()
    {
        var random = new Random(5);
        for (int round = 0; round < 500; round++)
        {
            string text = string.Create(random.Next(12), random, (span, source) =>
            {
                foreach (ref char c in span)
                    c = (char)(source.Next(4) == 0 ? source.Next(0x10000) : source.Next(0x80));
            });
            var read = (HoconScalar)Hocon.Object($"{HoconWriter.Key(text)} = {HoconWriter.Quote(text)}").Fields[0].Value;
            Assert.Equal(text, read.Text);
        }
        Assert.Equal("{\n  \"a\": [\n    1,\n    {}\n  ]\n}", HoconWriter.ToJson(Hocon.Object("a=[1,{}]")));
    }
}
