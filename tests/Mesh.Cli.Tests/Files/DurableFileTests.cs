using Mesh.Cli.Files;

namespace Mesh.Cli.Tests.Files;

public sealed class DurableFileTests
{
    [Fact]
    public void A_new_file_has_its_mode_and_its_text()
    {
        using var folder = new TempFolder();
        DurableFile.Create(folder["key"], "secret", FileModes.Secret);
        DurableFile.Create(folder["crt"], "public", FileModes.Readable);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["key"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(folder["crt"]));
        Assert.Equal("secret", File.ReadAllText(folder["key"]));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
    }

    [Fact]
    public void An_existing_file_is_never_overwritten_by_a_new_one()
    {
        using var folder = new TempFolder();
        string path = folder.Write("key", "precious");
        Assert.ThrowsAny<IOException>(() => DurableFile.Create(path, "other", FileModes.Secret));
        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_replaced_file_is_another_file_with_the_new_mode()
    {
        using var folder = new TempFolder();
        string path = folder.Write("crt", "old");
        using FileStream reader = File.OpenRead(path);
        DurableFile.Replace(path, "new", FileModes.Readable);
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal("old", new StreamReader(reader).ReadToEnd());   // who had it open still has the old one
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_link_in_the_way_of_a_new_file_is_not_followed()
    {
        using var folder = new TempFolder();
        string victim = folder.Write("victim", "precious");
        File.CreateSymbolicLink(folder["key"], victim);
        Assert.ThrowsAny<IOException>(() => DurableFile.Create(folder["key"], "other", FileModes.Secret));
        Assert.Equal("precious", File.ReadAllText(victim));
    }

    [Fact]
    public void A_missing_directory_is_an_error() => Assert.ThrowsAny<IOException>(() => DurableFile.Create("/nowhere/at/all", "x", FileModes.Secret));
}
