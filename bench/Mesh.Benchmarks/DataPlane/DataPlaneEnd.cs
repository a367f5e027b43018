using System.Globalization;
using System.Net;
using System.Text.Json;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Platform.Linux.Forwarding;

namespace Mesh.Benchmarks.DataPlane;

/// <summary>What an end of the tunnel says about itself.</summary>
/// <param name="Gen0Collections">Garbage collections so far.</param>
/// <param name="AllocatedBytes">Managed memory allocated so far.</param>
/// <param name="SentPackets">Packets sealed and sent.</param>
/// <param name="ReceivedPackets">Packets opened.</param>
/// <param name="Drops">Packets dropped, by reason.</param>
internal sealed record EndStatistics(int Gen0Collections, long AllocatedBytes, long SentPackets, long ReceivedPackets, IReadOnlyDictionary<string, long> Drops);

/// <summary>One end of a tunnel as a process of its own: the data plane of a node, with keys that are known beforehand in place of a control plane.</summary>
/// <remarks>Writes "ready DEVICE" and then, for each line it reads, its <see cref="EndStatistics"/> as a line of JSON; it ends with its input.</remarks>
internal static class DataPlaneEnd
{
    /// <summary>The word that makes the program one end.</summary>
    public const string Role = "dataplane-end";

    /// <summary>Where both ends receive datagrams.</summary>
    public const int Port = 4500;

    private static readonly TunnelIndex Tunnel = new(1);

    /// <summary>Runs an end. Arguments: its number (1 or 2), the other's address, the cipher, "offload" or "plain".</summary>
    public static int Run(IReadOnlyList<string> arguments, TextReader input, TextWriter output)
    {
        int own = int.Parse(arguments[0], CultureInfo.InvariantCulture), other = 3 - own;
        DataCipher cipher = Enum.Parse<DataCipher>(arguments[2]);
        using var plane = new LinuxDataPlane(new LinuxDataPlaneOptions { Local = new IPEndPoint(IPAddress.IPv6Any, Port), Offload = arguments[3] == "offload" });
        plane.AddTunnel(Tunnel, new Nobody());
        plane.SetKeys(Tunnel, new DataKeys(1, Key(own), Key(other), cipher));
        plane.SetPath(Tunnel, new DataPath.Datagram(new IPEndPoint(IPAddress.Parse(arguments[1]), Port)));
        plane.Publish(ForwardingTable.Create([new(BenchmarkPair.Overlay(own), 128, Route.Local), new(BenchmarkPair.Overlay(other), 128, Route.Through(Tunnel))], BenchmarkPair.Overlay(own)));
        output.WriteLine($"ready {plane.DeviceName}");
        while (input.ReadLine() is not null)
        {
            TunnelCounters tunnel = plane.CountersOf(Tunnel)!.Value;
            DataPlaneCounters counters = plane.Counters;
            output.WriteLine(JsonSerializer.Serialize(new EndStatistics(
                GC.CollectionCount(0), GC.GetTotalAllocatedBytes(), tunnel.SentPackets, tunnel.ReceivedPackets,
                Enum.GetValues<DropReason>().Where(reason => counters[reason] > 0).ToDictionary(static reason => reason.ToString(), reason => counters[reason], StringComparer.Ordinal))));
        }
        return 0;
    }

    private static byte[] Key(int sender) => [.. Enumerable.Repeat((byte)sender, 32)];

    // No control plane: nobody wants to know what the data plane learns.
    private sealed class Nobody : ActorRef
    {
        public override string Path => "nobody";

        public override void Tell(object message)
        {
        }

        public override void Tell(object message, ActorRef? sender)
        {
        }
    }
}
