using System.Text.Json;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>Our speaker in the place of one side of a recording: it hears what the others said, when they said it.</summary>
internal sealed class Recording
{
    private readonly Queue<(byte[] Payload, BabelAddress Source, JsonElement Packet)> _packets;

    /// <summary>Starts at the beginning.</summary>
    /// <param name="name">The recording.</param>
    /// <param name="self">The address of the side that we take; what it said is left out.</param>
    /// <param name="kind">What the recorded link is.</param>
    public Recording(string name, string self, LinkKind kind = LinkKind.Tunnel)
    {
        var address = BabelAddress.Parse(self);
        // A router-id that nobody in a recording has: what others relay from whom we replace must not look like ours.
        Bench = new Bench(parameters: new InterfaceParameters { Address = address, Kind = kind, HelloInterval = TimeSpan.FromSeconds(2) }, twoLinks: true, id: new RouterId(0xC0FFEE));
        Assert.True(Bench.Speaker.Withdraw(Bench.Own, Bench.Now));   // babeld's a announces the same
        _packets = new(Vectors.Packets(name).Where(p => p.Source != address));
    }

    public Bench Bench { get; }

    public void RunTo(double seconds)
    {
        while (_packets.TryPeek(out (byte[] Payload, BabelAddress Source, JsonElement Packet) next) && Vectors.Time(next.Packet).TotalSeconds <= seconds)
        {
            _ = _packets.Dequeue();
            Bench.Advance((Vectors.Time(next.Packet) - Bench.Now).TotalSeconds);
            Bench.Receive(next.Payload, peer: next.Source);
        }

        Bench.Advance(seconds - Bench.Now.TotalSeconds);
    }
}
