using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Harness;

/// <summary>A machine as a node of re6st sets it up: plain <c>openvpn</c> with its command line (commands.json) and hook scripts of the same kind, and <c>babeld</c> on the TAP device.</summary>
internal sealed class Re6stPeer
{
    private const int ServerPort = 1194;
    private const string ServerDevice = "re6stnet-tcp", ClientDevice = "re6stnet1", SecondDevice = "re6stnet2";
    private const int Hello = 1;

    private readonly InteropNetwork _network;
    private readonly Machine _machine;
    private readonly string[] _devices;
    private readonly StringBuilder _said = new();
    private string[] _arguments = [];

    private Re6stPeer(InteropNetwork network, Machine machine, params string[] devices)
    {
        (_network, _machine, _devices) = (network, machine, devices);
        Prepare();
    }

    /// <summary>What its hooks have reported: one line each, with the hook, the common name, the serial number and the address.</summary>
    public string[] Reports => System.IO.File.Exists(ReportsPath) ? System.IO.File.ReadAllLines(ReportsPath) : [];

    /// <summary>What its programs have written.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>Its OpenVPN.</summary>
    public Process OpenVpn { get; private set; } = null!;

    private string ReportsPath => Path.Combine(_machine.Directory, "reports");

    /// <summary>Connects to a server; babeld starts when the device is there.</summary>
    public static async Task<Re6stPeer> ConnectAsync(InteropNetwork network, Machine machine, Machine server, string serverName)
    {
        await server.AwaitListenerAsync(ServerPort);
        var peer = new Re6stPeer(network, machine, ClientDevice);
        peer.StartOpenVpn(ClientArguments(server, serverName, ClientDevice));
        await peer.StartBabeldAsync();
        return peer;
    }

    /// <summary>Connects to two servers; <see cref="OpenVpn"/> is the first one's client.</summary>
    public static async Task<Re6stPeer> ConnectAsync(InteropNetwork network, Machine machine, (Machine Server, string Name) first, (Machine Server, string Name) second)
    {
        await first.Server.AwaitListenerAsync(ServerPort);
        await second.Server.AwaitListenerAsync(ServerPort);
        var peer = new Re6stPeer(network, machine, ClientDevice, SecondDevice);
        peer.StartOpenVpn(ClientArguments(second.Server, second.Name, SecondDevice));
        peer.StartOpenVpn(ClientArguments(first.Server, first.Name, ClientDevice));
        await peer.StartBabeldAsync();
        return peer;
    }

    /// <summary>Serves; babeld starts when the device is there.</summary>
    public static async Task<Re6stPeer> ServeAsync(InteropNetwork network, Machine machine)
    {
        var peer = new Re6stPeer(network, machine, ServerDevice);
        peer.Write("dh.pem", await network.DiffieHellmanAsync(machine));
        peer.StartOpenVpn(Vector("openvpn_server", "tcp", encrypt: true));
        await peer.StartBabeldAsync();
        return peer;
    }

    /// <summary>Is on the same LAN and has no tunnels: babeld speaks on the interface, as with re6st's option -i.</summary>
    public static async Task<Re6stPeer> OnLanAsync(InteropNetwork network, Machine machine, string device)
    {
        var peer = new Re6stPeer(network, machine, device);
        await peer.StartBabeldAsync(isLan: true);
        return peer;
    }

    /// <summary>Starts its OpenVPN anew, with the same arguments.</summary>
    public void ConnectAgain() => OpenVpn = Start("openvpn", _arguments);

    private static IEnumerable<string> ClientArguments(Machine server, string name, string device) => Vector("openvpn_client", "tcp", encrypt: false)
        .Where(static argument => argument is not ("--cipher" or "none" or "--ncp-disable"))   // gone in 2.6; the network encrypts
        .Select(argument => argument switch { "192.0.2.1" => server.Address.ToString(), "2/16" => name, ClientDevice => device, _ => argument });

    private static string[] Vector(string kind, string protocol, bool encrypt) => JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "commands.json"))).RootElement
        .GetProperty(kind).EnumerateArray()
        .First(vector => vector.GetProperty("proto").GetString() == protocol && vector.GetProperty("encrypt").GetBoolean() == encrypt)
        .GetProperty("argv").EnumerateArray().Skip(1).Select(static argument => argument.GetString()!).ToArray();

    // Protocol reference 9.1, 7.: the node's address with its subnet on the main interface, and nothing of the network leaks.
    private void Prepare()
    {
        IPAddress address = IPAddress.Parse(_network.AddressOf(_machine)), network = IPAddress.Parse(InteropNetwork.Overlay.Split('/')[0]);
        _machine.Space.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddAddress(netlink.GetLink("lo").Index, address, 64);
            netlink.AddRoute(new KernelRoute(network, 48) { Kind = KernelRouteKind.Unreachable, Protocol = 4 });
        });
        Script("ovpn-client", """
            if [ "$script_type" = up ]; then exec ip link set "$dev" up mtu "$tun_mtu"; fi
            : "${OPENVPN_external_ip:?}"
            echo "$script_type $common_name $tls_serial_0 $OPENVPN_external_ip" >>REPORTS
            """);
        Script("ovpn-server", """
            shift
            if [ "$script_type" = client-connect ]; then echo "push \"setenv-safe external_ip $trusted_ip\"" >"$1"; fi
            echo "$script_type $common_name $tls_serial_0 $trusted_ip" >>REPORTS
            """);
    }

    private void StartOpenVpn(IEnumerable<string> arguments)
    {
        string Place(string argument) => argument switch
        {
            "60" => (4 * Hello).ToString(CultureInfo.InvariantCulture),
            "ca.crt" => File("ca.crt"),
            "cert.crt" => File("node.crt"),
            "cert.key" => File("node.key"),
            "dh.pem" => File("dh.pem"),
            "<PATH>" => "/usr/sbin:/usr/bin:/sbin:/bin",
            _ => argument.Replace("<SCRIPTS>", _machine.Directory, StringComparison.Ordinal).Replace("<FD>", "1", StringComparison.Ordinal),
        };
        _arguments = [.. arguments.Select(Place)];
        ConnectAgain();
    }

    private async Task StartBabeldAsync(bool isLan = false)
    {
        foreach (string device in isLan ? [] : _devices)
            await Eventually.TrueAsync(() => _machine.Devices().Contains(device, StringComparer.Ordinal) && _machine.Link(device).IsUp, $"{device} is up", () => Said);
        string key = await _network.RoutingKeyAsync(_machine), address = _network.AddressOf(_machine);
        JsonElement vector = JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "commands.json"))).RootElement
            .GetProperty("babeld").EnumerateArray().First(static candidate => candidate.GetProperty("title").GetString() == "HMAC");
        List<string> arguments = [.. vector.GetProperty("argv").EnumerateArray().Skip(1).Select(static argument => argument.GetString()!)];
        arguments.RemoveRange(arguments.IndexOf("-X"), 2);   // the control socket of re6st's own babeld
        if (isLan)
            arguments.RemoveRange(arguments.IndexOf($"interface {ServerDevice} type tunnel") - 1, 2);
        string Place(string argument) => argument switch
        {
            "15" => Hello.ToString(CultureInfo.InvariantCulture),
            "babeld.log" or "babeld.state" => File(argument),
            _ => argument.Replace("2001:db8:42:1::1", address, StringComparison.Ordinal).Replace(ServerDevice, _devices[0], StringComparison.Ordinal)
                .Replace("11111111111111111111111111111111", key, StringComparison.Ordinal),
        };
        IEnumerable<string> others = _devices.Skip(1).SelectMany(static device => (string[])["-C", $"interface {device} type tunnel", device]);
        int last = arguments.Count - 1;   // options come before names
        Start("babeld", [.. arguments.Take(last).Select(Place), .. others.Where(static word => !word.StartsWith("re6stnet", StringComparison.Ordinal)), Place(arguments[last]), .. _devices.Skip(1)]);
    }

    private Process Start(string program, IEnumerable<string> arguments)
    {
        Process process = _machine.Space.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        foreach (StreamReader output in (StreamReader[])[process.StandardOutput, process.StandardError])
        {
            _ = Task.Run(async () =>
            {
                while (await output.ReadLineAsync() is { } line)
                {
                    lock (_said)
                        _said.AppendLine(CultureInfo.InvariantCulture, $"{program}: {line}");
                }
            });
        }

        return process;
    }

    private void Script(string name, string text)
    {
        Write(name, $"#!/bin/sh\nset -e\n{text.Replace("REPORTS", ReportsPath, StringComparison.Ordinal)}\n");
        System.IO.File.SetUnixFileMode(File(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private void Write(string name, string text) => System.IO.File.WriteAllText(File(name), text);

    private string File(string name) => Path.Combine(_machine.Directory, name);
}
