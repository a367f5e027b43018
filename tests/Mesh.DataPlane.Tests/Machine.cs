using System.Net;

namespace Mesh.DataPlane.Tests;

/// <summary>A machine with its prefix 2001:db8:n::/48 and its engine, and what the engine put out.</summary>
internal sealed class Machine
{
    public Machine(int number, DataPlaneOptions? options = null)
    {
        Number = number;
        Engine = new DataPlaneEngine(options ?? DataPlaneOptions.Default, Output, Output);
        Publish();
    }

    public int Number { get; }

    public RecordingOutput Output { get; } = new();

    public DataPlaneEngine Engine { get; }

    public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

    public DatagramEndpoint Endpoint => DatagramEndpoint.From(IPEndPoint);

    public IPEndPoint IPEndPoint => new(IPAddress.Parse($"192.0.2.{Number}"), 4000);

    public string Address => AddressOf(Number);

    public static string AddressOf(int number) => $"2001:db8:{number}::1";

    /// <summary>Publishes a table with the machine's own prefix and these routes.</summary>
    public void Publish(params ForwardingEntry[] routes) =>
        Engine.Publish(ForwardingTable.Create([To(Number, Route.Local), .. routes], Ipv6.Address(Address)));

    public static ForwardingEntry To(int number, Route route) => new(Ipv6.Address($"2001:db8:{number}::"), 48, route);

    /// <summary>Joins two machines by a tunnel that has the same index at both ends.</summary>
    public static void Join(Machine a, Machine b, int tunnel, DataCipher cipher = DataCipher.Aes256Gcm)
    {
        var index = new TunnelIndex(tunnel);
        foreach ((Machine here, Machine there) in new[] { (a, b), (b, a) })
        {
            here.Engine.AddTunnel(index);
            here.Engine.SetKeys(index, Keys(here, there, tunnel, cipher: cipher));
            here.Engine.SetPath(index, new DataPath.Datagram(there.IPEndPoint));
        }
    }

    public static DataKeys Keys(Machine here, Machine there, int tunnel, int generation = 0, DataCipher cipher = DataCipher.Aes256Gcm) =>
        new((uint)tunnel, Key(here, there, generation), Key(there, here, generation), cipher);

    public static byte[] Key(Machine from, Machine to, int generation)
    {
        var key = new byte[32];
        (key[0], key[1], key[2]) = ((byte)from.Number, (byte)to.Number, (byte)generation);
        return key;
    }

    public void FromHost(byte[] packet) => Engine.HandleHostPacket(packet, Now);

    public long Drops(DropReason reason) => Engine.Counters()[reason];

    /// <summary>Carries all waiting datagrams to <paramref name="to"/>.</summary>
    public void Deliver(Machine to)
    {
        foreach ((_, byte[] datagram) in Output.Datagrams)
            to.Engine.HandleDatagram(datagram, Endpoint, to.Now);
        Output.Datagrams.Clear();
    }
}
