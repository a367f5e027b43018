using System.Net;
using Mesh.DataPlane;
using Mesh.Platform.Linux.Crypto;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>Settings of a <see cref="LinuxDataPlane"/>.</summary>
public sealed record LinuxDataPlaneOptions
{
    /// <summary>The TUN device's name; %d in it becomes the first free number.</summary>
    public string DeviceName { get; init; } = "mesh%d";

    /// <summary>The TUN device's MTU, in octets, 1280..65,535.</summary>
    public int DeviceMtu { get; init; } = DataPath.DefaultMtu;

    /// <summary>Where data datagrams are received. Port 0 lets the kernel choose.</summary>
    public IPEndPoint Local { get; init; } = new(IPAddress.IPv6Any, 0);

    /// <summary>Room that the kernel is asked for to hold datagrams, in octets, each way.</summary>
    public int SocketBufferOctets { get; init; } = 4 * 1024 * 1024;

    /// <summary>Whether many packets are moved per call, with segmentation offload, as far as the kernel has it. Without, one at a time.</summary>
    public bool Offload { get; init; } = true;

    /// <summary>The mark of data datagrams (SO_MARK), for policy routing and firewalls; null for none. Needs CAP_NET_ADMIN.</summary>
    public uint? Mark { get; init; }

    /// <summary>The only interface through which data datagrams go and come (SO_BINDTODEVICE); null for any.</summary>
    public string? UnderlayDevice { get; init; }

    /// <summary>Settings of the engine. By default its ciphers are <see cref="OpenSslCipher"/>s.</summary>
    public DataPlaneOptions Engine { get; init; } = DataPlaneOptions.Default with { CipherFactory = OpenSslCipher.Create };

    /// <summary>Told when forwarding has come to an end because a device or socket is gone. Called from a forwarding thread.</summary>
    public Action<Exception>? Failed { get; init; }
}
