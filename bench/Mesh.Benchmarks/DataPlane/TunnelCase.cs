using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Mesh.DataPlane;

namespace Mesh.Benchmarks.DataPlane;

/// <summary>A way to join the two machines of a <see cref="BenchmarkPair"/>; disposing of it ends its programs.</summary>
internal abstract class TunnelCase(string name) : IDisposable
{
    protected const string Link = "bench0";

    private readonly List<Process> _ends = [];

    public string Name => name;

    /// <summary>Processor time that the programs at both ends have used.</summary>
    public TimeSpan ProcessorTime => _ends.Aggregate(TimeSpan.Zero, static (sum, end) => sum + ProcessSample.ProcessorTime(end.Id));

    /// <summary>Resident memory of the larger end, MiB.</summary>
    public double ResidentMib => _ends.Count == 0 ? 0 : _ends.Max(static end => ProcessSample.ResidentMib(end.Id));

    /// <summary>What has to be installed for it: a program's name, or null for nothing.</summary>
    public virtual string? Program => null;

    public abstract void Start(BenchmarkPair pair);

    public virtual void Dispose()
    {
        foreach (Process end in _ends)
        {
            if (end.HasExited)
                continue;
            end.Kill(entireProcessTree: true);
            end.WaitForExit();
        }
    }

    protected Process Run(BenchmarkPair pair, int end, ProcessStartInfo start)
    {
        start.UseShellExecute = false;
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        Process process = pair.End(end).Start(start);
        _ends.Add(process);
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs a program inside to its end.</summary>
    protected static void Execute(BenchmarkPair pair, int end, string program, params string[] arguments)
    {
        Process process = pair.End(end).Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false });
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Trim()}");
    }
}

/// <summary>The link itself: no tunnel.</summary>
internal sealed class PlainLink() : TunnelCase("veth")
{
    public override void Start(BenchmarkPair pair)
    {
        pair.Configure(1, "eth0");
        pair.Configure(2, "eth0");
    }
}

/// <summary>Our data plane at both ends.</summary>
internal sealed class MeshTunnel(DataCipher cipher, bool isOffloaded) : TunnelCase($"mesh-{cipher}{(isOffloaded ? "" : "-plain")}")
{
    private readonly Process[] _processes = new Process[2];

    public override void Start(BenchmarkPair pair)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        foreach (int end in (int[])[1, 2])
        {
            _processes[end - 1] = Run(pair, end, new ProcessStartInfo(host,
            [
                Path.Combine(AppContext.BaseDirectory, "Mesh.Benchmarks.dll"), DataPlaneEnd.Role, end.ToString(CultureInfo.InvariantCulture),
                BenchmarkPair.Underlay(3 - end).ToString(), cipher.ToString(), isOffloaded ? "offload" : "plain",
            ])
            { RedirectStandardInput = true, UseShellExecute = false });
            string ready = _processes[end - 1].StandardOutput.ReadLine() ?? throw new InvalidOperationException("the data plane did not start");
            pair.Configure(end, ready.Split(' ')[1]);
        }
    }

    public EndStatistics Statistics(int end)
    {
        _processes[end - 1].StandardInput.WriteLine();
        return JsonSerializer.Deserialize<EndStatistics>(_processes[end - 1].StandardOutput.ReadLine()!)!;
    }
}

/// <summary>WireGuard in user space, as the distribution has it.</summary>
internal sealed class WireGuardTunnel() : TunnelCase("wireguard-go")
{
    private const string Port = "51820";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mesh-bench-wg-");

    public override string Program => "wireguard-go";

    public override void Start(BenchmarkPair pair)
    {
        string[] keys = [NewKey(), NewKey()];
        foreach (int end in (int[])[1, 2])
        {
            string link = $"mbwg{Environment.ProcessId % 100_000}{end}";   // its control socket is named after it, in a directory that all namespaces share
            string key = Path.Combine(_directory.FullName, $"key{end}");
            File.WriteAllText(key, keys[end - 1]);
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var start = new ProcessStartInfo("wireguard-go", ["-f", link]);
            start.Environment["LOG_LEVEL"] = "error";
            start.Environment["WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD"] = "1";
            Run(pair, end, start);
            BenchmarkPair.Await(() => File.Exists($"/run/wireguard/{link}.sock"), "the control socket of wireguard-go");
            Execute(pair, end, "wg", "set", link, "listen-port", Port, "private-key", key, "peer", PublicKey(keys[2 - end]),
                "endpoint", $"{BenchmarkPair.Underlay(3 - end)}:{Port}", "allowed-ips", $"{BenchmarkPair.OverlayAddress(3 - end)}/128");
            pair.Configure(end, link);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _directory.Delete(recursive: true);
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private static string PublicKey(string key)
    {
        using Process process = Process.Start(new ProcessStartInfo("wg", ["pubkey"]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        process.StandardInput.WriteLine(key);
        process.StandardInput.Close();
        return process.StandardOutput.ReadToEnd().Trim();
    }
}

/// <summary>OpenVPN with TLS and AES-256-GCM, one process at each end.</summary>
internal sealed class OpenVpnTunnel(string device, bool isTcp) : TunnelCase($"openvpn-{(isTcp ? "tcp" : "udp")}-{device}")
{
    private const string Port = "1194";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mesh-bench-ovpn-");

    public override string Program => "openvpn";

    public override void Start(BenchmarkPair pair)
    {
        string[] fingerprints = [MakeCertificate(1), MakeCertificate(2)];
        foreach (int end in (int[])[2, 1])
        {
            bool isServer = end == 2;
            string protocol = isTcp ? isServer ? "tcp4-server" : "tcp4-client" : "udp4";
            Run(pair, end, new ProcessStartInfo("openvpn",
            [
                "--dev", Link, "--dev-type", device, "--proto", protocol, "--cert", FileOf(end, "crt"), "--key", FileOf(end, "key"),
                "--peer-fingerprint", fingerprints[2 - end], "--data-ciphers", "AES-256-GCM", "--disable-dco", "--verb", "1", "--port", Port,
                .. isServer ? (string[])["--tls-server", "--dh", "none"] : ["--tls-client", "--remote", BenchmarkPair.Underlay(2).ToString()],
            ]));
        }
        pair.Configure(2, Link);
        pair.Configure(1, Link);
    }

    public override void Dispose()
    {
        base.Dispose();
        _directory.Delete(recursive: true);
    }

    private string FileOf(int end, string extension) => Path.Combine(_directory.FullName, $"{end}.{extension}");

    private string MakeCertificate(int end)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest($"CN=end{end}", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(FileOf(end, "crt"), certificate.ExportCertificatePem());
        File.WriteAllText(FileOf(end, "key"), key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(FileOf(end, "key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return string.Join(':', certificate.GetCertHash(HashAlgorithmName.SHA256).Select(static octet => octet.ToString("X2", CultureInfo.InvariantCulture)));
    }
}
