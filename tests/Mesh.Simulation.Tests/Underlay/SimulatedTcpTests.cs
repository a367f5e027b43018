using System.Net;
using System.Text;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

public sealed class SimulatedTcpTests
{
    private readonly TestUnderlay _world = new(new InternetOptions { Jitter = TimeSpan.FromMilliseconds(50), Loss = 0.3 });
    private readonly Machine _client;
    private readonly Machine _server;
    private readonly List<TcpConnection> _accepted = [];
    private readonly List<string> _happened = [];

    public SimulatedTcpTests()
    {
        _client = _world.AddPublic("198.18.0.1");
        _server = _world.AddPublic("198.18.0.2");
        Assert.True(_server.Tcp.Listen(80, Accept));
    }

    [Fact]
    public void Bytes_arrive_in_order_and_none_is_lost_although_packets_overtake_each_other_and_get_lost()
    {
        TcpConnection connection = Connect();
        for (int i = 0; i < 200; i++)
            connection.Send(Encoding.ASCII.GetBytes($"{i}"));
        _accepted[0].Send("answer"u8);
        Run();
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"server got {i}"), _happened.Where(h => h.StartsWith("server", StringComparison.Ordinal)), StringComparer.Ordinal);
        Assert.Contains("client got answer", _happened, StringComparer.Ordinal);
    }

    [Fact]
    public void What_was_sent_before_closing_arrives_before_the_end()
    {
        TcpConnection connection = Connect();
        for (int i = 0; i < 20; i++)
            connection.Send("x"u8);
        connection.Close();
        connection.Send("too late"u8);
        Run();
        Assert.Equal(20, _happened.Count(h => h == "server got x"));
        Assert.Equal("server closed: closed by the peer", _happened[^1]);
        Assert.DoesNotContain(_happened, h => h.StartsWith("client closed", StringComparison.Ordinal) || h.Contains("too late", StringComparison.Ordinal));
    }

    [Fact]
    public void Ports_are_used_again_but_not_while_their_connection_lives()
    {
        TcpConnection lasting = Connect();
        int first = lasting.LocalPort;
        var seen = new HashSet<int>();
        for (int i = 0; i < 30_000; i++)
        {
            TcpConnection brief = _client.Tcp.Connect(new IPEndPoint(_server.Address, 80));
            seen.Add(brief.LocalPort);
            brief.Close();
        }

        Assert.DoesNotContain(first, seen);
        Assert.Equal(65_535 - 40_000, seen.Count);
        Run();
        lasting.Send("still there"u8);
        Run();
        Assert.Contains("server got still there", _happened, StringComparer.Ordinal);
    }

    [Fact]
    public void A_port_where_nobody_listens_refuses()
    {
        Connect(port: 81);
        Assert.Equal("client closed: connection refused", Assert.Single(_happened));
    }

    [Fact]
    public void One_port_has_one_listener() => Assert.False(_server.Tcp.Listen(80, _ => { }));

    [Fact]
    public void A_killed_process_resets_its_connections()
    {
        Connect();
        _server.Kill();
        Run();
        Assert.Equal("client closed: reset by the peer", _happened[^1]);
        Connect();
        Assert.Equal("client closed: connection refused", _happened[^1]);
    }

    [Fact]
    public void A_machine_without_power_is_silent_and_resets_what_it_has_forgotten_when_it_is_back()
    {
        TcpConnection connection = Connect();
        _server.Crash();
        connection.Send("hello?"u8);
        _world.Run(TimeSpan.FromMinutes(5));
        Assert.DoesNotContain(_happened, h => h.StartsWith("client closed", StringComparison.Ordinal));
        TestUnderlay.Boot(_server);
        connection.Send("hello?"u8);
        Run();
        Assert.Equal("client closed: reset by the peer", _happened[^1]);
    }

    [Fact]
    public void A_machine_that_is_back_may_take_the_port_of_a_connection_that_it_has_forgotten()
    {
        TcpConnection before = Connect();
        _client.Crash();
        TestUnderlay.Boot(_client);
        TcpConnection connection = Connect();
        Assert.Equal(before.LocalPort, connection.LocalPort);
        Assert.Equal("server closed: reset by the peer", Assert.Single(_happened));   // the one that was half-open
        _accepted[0].Close();
        _accepted[1].Send("welcome"u8);
        connection.Send("back"u8);
        Run();
        Assert.Equal(["client got welcome", "server closed: reset by the peer", "server got back"], _happened.Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void Who_asks_a_machine_without_power_asks_again_and_is_let_in_when_it_is_back()
    {
        _server.Crash();
        TcpConnection connection = Connect();
        Assert.False(connection.IsOpen);
        BootServer();
        Run();   // the fourth time is after 7 s
        Assert.True(connection.IsOpen);
        connection.Send("at last"u8);
        Run();
        Assert.Equal(["server got at last"], _happened);
        Assert.Single(_accepted);
    }

    [Fact]
    public void Who_asks_a_machine_without_power_gives_up_after_two_minutes()
    {
        _server.Crash();
        TcpConnection connection = Connect();
        _world.Run(TimeSpan.FromSeconds(123));
        BootServer();
        _world.Run(TimeSpan.FromHours(1));
        Assert.False(connection.IsOpen);
        Assert.Empty(_accepted);
    }

    [Fact]
    public void Who_has_given_up_is_not_let_in()
    {
        _server.Crash();
        Connect().Close();
        Run();
        BootServer();
        _world.Run(TimeSpan.FromHours(1));
        Assert.Empty(_accepted);
        Assert.Empty(_happened);
    }

    [Fact]
    public void Who_asks_anew_from_the_same_port_is_let_in_once()
    {
        _server.Crash();
        Connect();
        _client.Crash();
        TestUnderlay.Boot(_client);
        BootServer();
        TcpConnection connection = Connect();
        _world.Run(TimeSpan.FromHours(1));
        connection.Send("new"u8);
        Run();
        Assert.Equal(["server got new"], _happened);
        Assert.Single(_accepted);
    }

    private void BootServer()
    {
        TestUnderlay.Boot(_server);
        Assert.True(_server.Tcp.Listen(80, Accept));
    }

    private TcpConnection Connect(int port = 80)
    {
        TcpConnection connection = _client.Tcp.Connect(new IPEndPoint(_server.Address, port));
        connection.Received = bytes => _happened.Add($"client got {Encoding.ASCII.GetString(bytes.Span)}");
        connection.Closed = reason => _happened.Add($"client closed: {reason}");
        Run();
        return connection;
    }

    private void Accept(TcpConnection connection)
    {
        _accepted.Add(connection);
        connection.Received = bytes => _happened.Add($"server got {Encoding.ASCII.GetString(bytes.Span)}");
        connection.Closed = reason => _happened.Add($"server closed: {reason}");
    }

    private void Run() => _world.Run(TimeSpan.FromSeconds(5));
}
