using System.Text;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Protocol.Tests.OpenVpn;

public sealed class ManagementTests
{
    // Lines that OpenVPN 2.6.14 has written.
    public static TheoryData<string, ManagementLineKind, string, string, uint, uint> Known => new()
    {
        { ">HOLD:Waiting for hold release:0", ManagementLineKind.Hold, "", "Waiting for hold release:0", 0, 0 },
        { "SUCCESS: client-auth command succeeded", ManagementLineKind.Success, "", "client-auth command succeeded", 0, 0 },
        { "ERROR: unknown command, enter 'help' for more options", ManagementLineKind.Error, "", "unknown command, enter 'help' for more options", 0, 0 },
        { ">STATE:1795926961,CONNECTED,SUCCESS,,10.77.0.1,1194,10.77.0.2,33218", ManagementLineKind.State, "CONNECTED", "SUCCESS,,10.77.0.1,1194,10.77.0.2,33218", 0, 0 },
        { ">LOG:1795926960,W,WARNING: --keepalive option is missing from server config", ManagementLineKind.Log, "W", "WARNING: --keepalive option is missing from server config", 0, 0 },
        { ">LOG:1795926997,,AUTH: Received control message: AUTH_FAILED,revoked", ManagementLineKind.Log, "", "AUTH: Received control message: AUTH_FAILED,revoked", 0, 0 },
        { ">FATAL:Cannot ioctl TUNSETIFF", ManagementLineKind.Fatal, "", "Cannot ioctl TUNSETIFF", 0, 0 },
        { ">CLIENT:CONNECT,7,1", ManagementLineKind.Client, "CONNECT", "", 7, 1 },
        { ">CLIENT:REAUTH,7,2", ManagementLineKind.Client, "REAUTH", "", 7, 2 },
        { ">CLIENT:ESTABLISHED,4294967295", ManagementLineKind.Client, "ESTABLISHED", "", uint.MaxValue, 0 },
        { ">CLIENT:DISCONNECT,0", ManagementLineKind.Client, "DISCONNECT", "", 0, 0 },
        { ">CLIENT:ENV,tls_id_0=serialNumber=2, CN=2/16", ManagementLineKind.ClientVariable, "tls_id_0", "serialNumber=2, CN=2/16", 0, 0 },
        { ">CLIENT:ENV,username=", ManagementLineKind.ClientVariable, "username", "", 0, 0 },
        { ">CLIENT:ENV,END", ManagementLineKind.ClientEnd, "", "", 0, 0 },
        { ">UPDOWN:UP", ManagementLineKind.Device, "UP", "", 0, 0 },
        { ">UPDOWN:ENV,dev=mesh-1", ManagementLineKind.DeviceVariable, "dev", "mesh-1", 0, 0 },
        { ">UPDOWN:ENV,END", ManagementLineKind.DeviceEnd, "", "", 0, 0 },
        { ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info", ManagementLineKind.Other, "", "", 0, 0 },
        { ">CLIENT:ADDRESS,3,10.0.0.1,1", ManagementLineKind.Other, "", "", 0, 0 },
        { "", ManagementLineKind.Other, "", "", 0, 0 },
    };

    [Theory, MemberData(nameof(Known))]
    public void What_OpenVPN_says_is_understood(string text, ManagementLineKind kind, string word, string value, uint client, uint key)
    {
        Assert.True(ManagementLine.TryParse(text, out ManagementLine line));
        Assert.Equal(new ManagementLine(kind, word, value, client, key), line);
    }

    [Theory]
    [InlineData(">CLIENT:CONNECT,7")]
    [InlineData(">CLIENT:CONNECT,7,")]
    [InlineData(">CLIENT:CONNECT,-7,1")]
    [InlineData(">CLIENT:CONNECT,4294967296,1")]
    [InlineData(">CLIENT:ESTABLISHED,x")]
    [InlineData(">CLIENT:ENV,novalue")]
    [InlineData(">CLIENT:ENV,=x")]
    [InlineData(">CLIENT:CONNECT")]
    [InlineData(">UPDOWN:SIDEWAYS")]
    [InlineData(">STATE:1795926961")]
    [InlineData(">LOG:1,W")]
    public void What_begins_like_a_known_line_and_is_none_is_refused(string text) => Assert.False(ManagementLine.TryParse(text, out _));

    [Fact]
    public void An_event_comes_whole_with_its_variables_however_its_octets_are_cut()
    {
        const string Text = ">HOLD:x\r\n>CLIENT:CONNECT,3,1\n>CLIENT:ENV,common_name=2/16\n>CLIENT:ENV,tls_serial_0=3\n>CLIENT:ENV,END\nSUCCESS: y\n";
        byte[] octets = Encoding.UTF8.GetBytes(Text);
        for (int size = 1; size <= octets.Length; size++)
        {
            var reader = new ManagementReader();
            var notices = new List<ManagementNotice>();
            foreach (byte[] piece in octets.Chunk(size))
                reader.Append(piece, notices);
            Assert.Equal([ManagementLineKind.Hold, ManagementLineKind.Client, ManagementLineKind.Success], notices.Select(static notice => notice.Line.Kind));
            Assert.Equal((3u, 1u, "2/16", "3", ""), (notices[1].Line.Client, notices[1].Line.Key, notices[1]["common_name"], notices[1]["tls_serial_0"], notices[1]["trusted_ip"]));
            Assert.Equal(0, reader.RefusedCount);
        }
    }

    [Fact]
    public void Variables_of_no_event_or_of_another_one_are_refused_and_counted()
    {
        var reader = new ManagementReader();
        var notices = new List<ManagementNotice>();
        reader.Append(">CLIENT:ENV,a=b\n>CLIENT:ENV,END\n>CLIENT:CONNECT,1,1\n>UPDOWN:ENV,dev=x\n>UPDOWN:ENV,END\n>CLIENT:ENV,END\n"u8, notices);
        Assert.Empty(Assert.Single(notices).Variables);
        Assert.Equal(4, reader.RefusedCount);
    }

    [Fact]
    public void Nothing_that_comes_makes_it_keep_more_than_its_bounds()
    {
        var reader = new ManagementReader();
        var notices = new List<ManagementNotice>();
        byte[] endless = new byte[1_000_000];
        Array.Fill(endless, (byte)'x');
        reader.Append(endless, notices);
        reader.Append("\n>HOLD:x\n>CLIENT:CONNECT,1,1\n"u8, notices);
        for (int i = 0; i < 10_000; i++)
            reader.Append(Encoding.UTF8.GetBytes($">CLIENT:ENV,UV_{i}=x\n"), notices);
        reader.Append(">CLIENT:ENV,END\n"u8, notices);
        Assert.Equal(2, notices.Count);
        Assert.Equal(ManagementReader.MaxVariables, notices[1].Variables.Count);
        Assert.Equal(1 + 10_000 - ManagementReader.MaxVariables, reader.RefusedCount);
    }

    [Theory]
    [InlineData("OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)]", 2, 6)]
    [InlineData("OpenVPN 2.4.7 arm", 2, 4)]
    [InlineData("OpenVPN 2.7_alpha1 x", 2, 7)]
    public void Versions_are_read(string text, int major, int minor)
    {
        Assert.True(OpenVpnVersion.TryParse(text, out OpenVpnVersion version));
        Assert.Equal(new OpenVpnVersion(major, minor), version);
        Assert.Equal(minor >= 6, version.HasDataCiphersOnly);
    }

    [Theory]
    [InlineData("")]
    [InlineData("OpenVPN")]
    [InlineData("OpenVPN 2")]
    [InlineData("OpenVPN x.y")]
    [InlineData("openvpn 2.6.14")]
    [InlineData("OpenVPN 2.99999999999")]
    public void What_is_no_version_is_refused(string text) => Assert.False(OpenVpnVersion.TryParse(text, out _));
}
