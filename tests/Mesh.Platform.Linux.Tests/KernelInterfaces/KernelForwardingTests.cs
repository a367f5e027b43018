using System.Net;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Platform.Linux.Tests.KernelInterfaces;

public sealed class KernelForwardingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-").FullName;

    private string File => Path.Combine(_folder, "forwarding.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_there_before_is_put_back()
    {
        using NetworkNamespace space = Machine(out NetworkNamespace other);
        using (other)
        {
            space.Run(() =>
            {
                using (KernelForwarding.Enable(File))
                    Assert.Equal(("1", "1", "2"), Settings());   // and it still listens to router advertisements
                Assert.Equal(("0", "0", "1"), Settings());
            });
            Assert.False(System.IO.File.Exists(File));
        }
    }

    [Fact]
    public void After_a_crash_the_next_run_still_knows_what_was_there_before()
    {
        using NetworkNamespace space = Machine(out NetworkNamespace other);
        using (other)
        {
            space.Run(() =>
            {
                _ = KernelForwarding.Enable(File);
                using (KernelForwarding.Enable(File))
                    Assert.Equal(("1", "1", "2"), Settings());
                Assert.Equal(("0", "0", "1"), Settings());
            });
        }
    }

    [Fact]
    public void A_record_that_was_cut_off_by_a_crash_is_passed_over()
    {
        using NetworkNamespace space = Machine(out NetworkNamespace other);
        using (other)
        {
            System.IO.File.WriteAllText(File, "{\"all/forw");
            space.Run(() =>
            {
                using (KernelForwarding.Enable(File))
                    Assert.Equal(("1", "1", "2"), Settings());
                Assert.Equal(("0", "0", "1"), Settings());
            });
        }
    }

    [Fact]
    public void Where_it_is_on_already_nothing_is_changed()
    {
        using NetworkNamespace space = Machine(out NetworkNamespace other);
        using (other)
        {
            space.Run(() =>
            {
                System.IO.File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
                using (KernelForwarding.Enable(File))
                    Assert.Equal(("1", "1", "1"), Settings());
                Assert.Equal(("1", "1", "1"), Settings());
            });
        }
    }

    private static NetworkNamespace Machine(out NetworkNamespace other)
    {
        NetworkNamespace space = NeedsRoot.Namespace("fwd");
        other = NeedsRoot.Namespace("fwd");
        space.Connect("under", IPAddress.Parse("192.0.2.1"), other, "under", IPAddress.Parse("192.0.2.2"), 24);
        space.Run(static () => System.IO.File.WriteAllText("/proc/sys/net/ipv6/conf/under/accept_ra", "1"));
        return space;
    }

    private static (string All, string Device, string Listens) Settings() => (Read("all/forwarding"), Read("under/forwarding"), Read("under/accept_ra"));

    private static string Read(string setting) => System.IO.File.ReadAllText($"/proc/sys/net/ipv6/conf/{setting}").Trim();
}
