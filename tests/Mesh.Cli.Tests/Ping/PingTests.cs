using System.Net;
using System.Text.Json;
using Mesh.Cli.Ping;

namespace Mesh.Cli.Tests.Ping;

public sealed class PingTests
{
    private static readonly byte[] Reply = Convert.FromHexString("8100" + "0000" + "1234" + "0007" + "AABB");

    // Destination unreachable, no route, about the request 1234/7.
    private static readonly byte[] Unreachable = [.. Convert.FromHexString("0100" + "0000" + "00000000"), .. new byte[24], .. IPAddress.Parse("2001:db8::7").GetAddressBytes(), .. Convert.FromHexString("8000" + "0000" + "1234" + "0007")];

    [Fact]
    public void A_request_has_the_layout_of_RFC_4443() => Assert.Equal("8000" + "0000" + "1234" + "0007" + "000000", Convert.ToHexString(EchoMessage.Request(0x1234, 7, dataLength: 3)));

    [Fact]
    public void A_reply_and_an_error_tell_which_request_they_are_about()
    {
        Assert.True(EchoMessage.TryDecode(Reply, out EchoMessage? reply));
        Assert.Equal(new EchoMessage(0x1234, 7, null, null), reply);
        Assert.True(EchoMessage.TryDecode(Unreachable, out EchoMessage? error));
        Assert.Equal(new EchoMessage(0x1234, 7, "no route to the destination", IPAddress.Parse("2001:db8::7")), error);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        for (int length = 0; length < 8; length++)
            Assert.False(EchoMessage.TryDecode(Reply.AsSpan(0, length), out _));
        for (int length = 0; length < Unreachable.Length; length++)
            Assert.False(EchoMessage.TryDecode(Unreachable.AsSpan(0, length), out _));
    }

    [Theory]
    [InlineData(128)]
    [InlineData(130)]
    [InlineData(135)]
    public void Other_messages_are_passed_over(byte type) => Assert.False(EchoMessage.TryDecode([type, .. Reply.AsSpan(1)], out _));

    [Fact]
    public void A_report_sums_up()
    {
        Assert.Equal(new PingReport("::1", 4, 3, 1, 2, 9, null), PingReport.Of("::1", 4, [9, 1, 2], null));
        Assert.Equal(new PingReport("::1", 2, 0, null, null, null, "no answer"), PingReport.Of("::1", 2, [], "no answer"));
    }

    [Fact]
    public async Task All_wrong_arguments_are_reported_at_once() =>
        (await CliRun.OfAsync("ping", "192.0.2.1", "banana", "--count", "0", "--timeout", "-1")).RefusesWith(
            "192.0.2.1: expected an IPv6 address", "banana: expected an IPv6 address", "--count 0: expected a number from 1 to 10000", "--timeout -1");

    [Fact]
    public async Task Without_root_it_says_so() => (await CliRun.OfAsync("ping", "::1")).FailsWith("mesh ping needs root");

    [Fact]
    public async Task The_machine_itself_answers()
    {
        NeedsRoot.Check();
        CliRun run = await CliRun.OfAsync(static context => context with { IsRoot = true }, "ping", "::1", "--count", "2", "--interval", "1", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var json = JsonDocument.Parse(run.Out);
        JsonElement report = json.RootElement.EnumerateArray().Single();
        Assert.Equal(("::1", 2, 2), (report.GetProperty("address").GetString(), report.GetProperty("sent").GetInt32(), report.GetProperty("received").GetInt32()));
    }
}
