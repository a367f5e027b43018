using System.Text.Json;
using System.Text.RegularExpressions;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>Plays the packets with which babeld and bird were probed to our speaker and expects what the RFC says.</summary>
public sealed partial class ProbeTests
{
    /// <summary>The caller checks ports.</summary>
    private static readonly HashSet<string> NotOurs = new(StringComparer.Ordinal) { "bad-source-port" };

    [Fact]
    public void Every_probe_gets_the_answer_of_the_rfc()
    {
        var bench = new Bench();
        ushort hello = 0;
        KeepAlive();
        KeepAlive();
        bench.Receive(Encode(new IhuTlv(AddressEncoding.Wildcard, 96, 60000, default)));
        int judged = 0;
        foreach (JsonElement probe in Vectors.Load("16-probes-babeld").GetProperty("probes").EnumerateArray())
        {
            KeepAlive();
            string name = probe.GetProperty("probe").GetString()!;
            int mark = bench.Log.Count;
            ushort seqno = bench.Speaker.Seqno.Value;
            foreach (JsonElement sent in probe.GetProperty("sent").EnumerateArray())
            {
                if (name != "bad-source-port")
                    bench.Receive(Convert.FromHexString(sent.GetProperty("udp_payload_hex").GetString()!));
                bench.Advance(0.3);
            }

            JsonElement expected = probe.GetProperty("rfc_expected");
            if (NotOurs.Contains(name) || expected.ValueKind == JsonValueKind.Null || probe.GetProperty("check").ValueKind == JsonValueKind.Null)
                continue;
            Judge(bench, name, probe.GetProperty("check").GetString()!, expected, mark, seqno);
            judged++;
        }

        Assert.True(judged >= 30, $"only {judged} probes were judged");

        // By unicast Hellos: the multicast ones are part of the probes.
        void KeepAlive() => bench.Receive(Encode(new HelloTlv(new Seqno(hello++), 400, IsUnicast: true)));
    }

    private static void Judge(Bench bench, string name, string check, JsonElement expected, int mark, ushort seqno)
    {
        IEnumerable<Bench.Sent> since = bench.Log.Skip(mark);
        Match match = PrefixPattern().Match(check);
        BabelPrefix prefix = match.Success ? BabelPrefix.Parse(match.Value) : default;
        if (check.StartsWith("route to", StringComparison.Ordinal))
            Assert.True(expected.GetBoolean() == bench.Speaker.TryGetSelected(prefix, out _), $"{name}: {check}");
        else if (check.StartsWith("finite Update", StringComparison.Ordinal))
            Assert.True(since.Any(s => s.Kind == TlvKind.Update && s.Update.Prefix == prefix && !s.Update.IsRetraction), $"{name}: {check}");
        else if (check.StartsWith("retraction", StringComparison.Ordinal))
            Assert.True(since.Any(s => s.Kind == TlvKind.Update && s.Update.Prefix == prefix && s.Update.IsRetraction), $"{name}: {check}");
        else if (check.StartsWith("an Ack", StringComparison.Ordinal))
            Assert.Contains(since, s => s.Kind == TlvKind.Ack && s.Ack.Opaque == 0x1234 && s.Destination == Bench.Peer);
        else if (check.StartsWith("seqno increase", StringComparison.Ordinal))
            Assert.True(expected.GetInt32() == bench.Speaker.Seqno.Value - seqno, $"{name}: {check}");
        else if (check.StartsWith("Update for", StringComparison.Ordinal))
            Assert.True(since.Any(s => s.Kind == TlvKind.Update && s.Update.Prefix == prefix && s.Update.Seqno == bench.Speaker.Seqno), $"{name}: {check}");
        else
            Assert.Fail($"{name}: the check '{check}' is not known");
    }

    private static byte[] Encode(HelloTlv hello)
    {
        byte[] packet = new byte[12];
        (packet[0], packet[1], packet[3]) = (42, 2, (byte)hello.Encode(packet.AsSpan(4)));
        return packet;
    }

    private static byte[] Encode(IhuTlv ihu)
    {
        byte[] packet = new byte[12];
        (packet[0], packet[1], packet[3]) = (42, 2, (byte)ihu.Encode(packet.AsSpan(4)));
        return packet;
    }

    [GeneratedRegex(@"[0-9a-f:.]+/\d+", RegexOptions.None, 1000)]
    private static partial Regex PrefixPattern();
}
