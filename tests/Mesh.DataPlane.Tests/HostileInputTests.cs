using System.Buffers.Binary;
using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane.Tests;

public sealed class HostileInputTests
{
    private static readonly TunnelIndex T1 = new(1), T2 = new(2);

    [Fact]
    public void Noise_from_the_underlay_only_moves_counters()
    {
        Machine machine = InTheMiddle();
        var random = new Random(1);
        const int Count = 5000;
        for (int i = 0; i < Count; i++)
        {
            var datagram = new byte[random.Next(100)];
            random.NextBytes(datagram);
            if (random.Next(4) != 0 && datagram.Length >= 12)
                BinaryPrimitives.WriteUInt64BigEndian(datagram, (ulong)random.Next(4) << 32);   // a likely index and counter
            machine.Engine.HandleDatagram(datagram, machine.Endpoint, machine.Now);
        }
        Assert.Equal(Count, machine.Engine.Counters().TotalDrops);
        AssertNothingCameOut(machine);
    }

    [Fact]
    public void A_peer_with_the_right_key_may_seal_anything()
    {
        Machine machine = InTheMiddle();
        var random = new Random(2);
        var sealing = new SealingSession(1, DataCipher.Aes256Gcm, Machine.Key(new Machine(1), machine, 0));
        int control = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] inner = RandomPacket(random);
            if (inner.Length > 0 && inner[0] is >= 1 and <= 3)
                control++;
            var datagram = new byte[inner.Length + SealedDatagram.Overhead];
            sealing.TrySeal(inner, datagram);
            machine.Engine.HandleDatagram(datagram, machine.Endpoint, machine.Now);
            machine.Engine.HandleHostPacket(RandomPacket(random), machine.Now);
        }
        Assert.Equal(control, machine.Output.Control.Count);
        Assert.NotEmpty(machine.Output.Datagrams);
        Assert.NotEmpty(machine.Output.ToHost);
    }

    [Fact]
    public void Steady_traffic_allocates_nothing()
    {
        var output = new CountingOutput();
        var engine = new DataPlaneEngine(DataPlaneOptions.Default, output, output);
        Machine a = new(1), b = new(2), c = new(3);
        engine.AddTunnel(T1);
        engine.SetKeys(T1, Machine.Keys(b, a, 1));
        engine.SetPath(T1, new DataPath.Datagram(a.IPEndPoint));
        engine.AddTunnel(T2);
        engine.SetKeys(T2, Machine.Keys(b, c, 2, cipher: DataCipher.ChaCha20Poly1305));
        engine.SetPath(T2, new DataPath.Datagram(c.IPEndPoint));
        engine.Publish(ForwardingTable.Create(
            [Machine.To(1, Route.Through(T1)), Machine.To(2, Route.Local), Machine.To(3, Route.Through(T2))], Ipv6.Address(b.Address)));

        var sealing = new SealingSession(1, DataCipher.Aes256Gcm, Machine.Key(a, b, 0));
        byte[] transit = Ipv6.Packet(a.Address, c.Address, 1400), local = Ipv6.Packet(a.Address, b.Address, 1400);
        byte[] outward = Ipv6.Packet(b.Address, a.Address, 1400), lost = Ipv6.Packet(b.Address, "2001:db8:99::1");
        var datagram = new byte[1400 + SealedDatagram.Overhead];
        DatagramEndpoint from = a.Endpoint;

        Round(200);   // ciphers, thread memory and compiled code come into being
        long before = GC.GetAllocatedBytesForCurrentThread();
        Round(500);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal((700 * 2, 700), (output.Datagrams, engine.Counters().Transit));
        Assert.Equal(0, allocated);

        void Round(int packets)
        {
            for (int i = 0; i < packets; i++)
            {
                sealing.TrySeal(transit, datagram);
                engine.HandleDatagram(datagram, from, TimeSpan.FromSeconds(1));
                sealing.TrySeal(local, datagram);
                engine.HandleDatagram(datagram, from, TimeSpan.FromSeconds(1));
                engine.HandleHostPacket(outward, TimeSpan.FromSeconds(1));
                engine.HandleHostPacket(lost, TimeSpan.FromSeconds(1));
            }
        }
    }

    [Fact]
    public void Forwarding_goes_on_while_tunnels_keys_and_tables_change()
    {
        var output = new CountingOutput();
        var engine = new DataPlaneEngine(DataPlaneOptions.Default, output, output);
        Machine here = new(2), there = new(1);
        engine.Publish(ForwardingTable.Create([Machine.To(2, Route.Local), Machine.To(1, Route.Through(T1))]));
        bool stop = false;
        Exception? failure = null;
        long sent = 0;
        Thread[] forwarding = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            byte[] packet = Ipv6.Packet(here.Address, there.Address);
            try
            {
                while (!Volatile.Read(ref stop))
                {
                    engine.HandleHostPacket(packet, TimeSpan.Zero);
                    Interlocked.Increment(ref sent);
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        }))];
        foreach (Thread thread in forwarding)
            thread.Start();
        for (int i = 0; i < 3000; i++)
        {
            engine.AddTunnel(T1);
            engine.SetKeys(T1, Machine.Keys(here, there, 1, generation: i & 1));
            engine.SetPath(T1, new DataPath.Datagram(there.IPEndPoint));
            engine.SetKeys(T1, Machine.Keys(here, there, 1, generation: 2));
            engine.RemoveTunnel(T1);
        }
        Volatile.Write(ref stop, true);
        foreach (Thread thread in forwarding)
            thread.Join();
        Assert.Null(failure);
        Assert.Equal(sent, output.Datagrams + engine.Counters().TotalDrops);
    }

    private static Machine InTheMiddle()
    {
        Machine a = new(1), machine = new(2), c = new(3);
        Machine.Join(a, machine, 1);
        Machine.Join(machine, c, 2);
        machine.Publish(Machine.To(1, Route.Through(T1)), Machine.To(3, Route.Through(T2)));
        return machine;
    }

    private static byte[] RandomPacket(Random random)
    {
        byte[] packet = new byte[random.Next(200)];
        random.NextBytes(packet);
        if (packet.Length >= 40 && random.Next(3) != 0)
        {
            string source = Machine.AddressOf(random.Next(1, 5)), destination = Machine.AddressOf(random.Next(1, 5));
            byte[] head = Ipv6.Packet(source, destination, packet.Length, hopLimit: (byte)random.Next(3));
            head.AsSpan(0, 40).CopyTo(packet);
            packet[6] = (byte)(random.Next(2) == 0 ? random.Next(256) : new[] { 0, 43, 44, 51, 58, 60 }[random.Next(6)]);
            if (random.Next(8) == 0)
                packet[random.Next(40)] ^= (byte)(1 << random.Next(8));
        }
        return packet;
    }

    private static void AssertNothingCameOut(Machine machine)
    {
        Assert.Empty(machine.Output.ToHost);
        Assert.Empty(machine.Output.Datagrams);
        Assert.Empty(machine.Output.Control);
        Assert.Empty(machine.Output.Moves);
    }

    private sealed class CountingOutput : IPacketOutput, IControlSink
    {
        private long _datagrams;

        public long Datagrams => Volatile.Read(ref _datagrams);

        public bool WriteToHost(ReadOnlySpan<byte> packet) => true;

        public bool SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram) => Interlocked.Increment(ref _datagrams) > 0;

        public bool SendOnStream(StreamId stream, ReadOnlySpan<byte> packet) => true;

        public void PathSilent(TunnelIndex tunnel)
        {
        }

        public void KeyWorn(TunnelIndex tunnel)
        {
        }

        public void ControlReceived(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint from)
        {
        }

        public void PeerMoved(TunnelIndex tunnel, in DatagramEndpoint from)
        {
        }
    }
}
