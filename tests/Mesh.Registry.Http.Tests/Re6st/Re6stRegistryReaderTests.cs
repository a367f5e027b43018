using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Http.Re6st;
using Mesh.Registry.Rotation;
using Mesh.Security.Certificates;
using Microsoft.Data.Sqlite;

namespace Mesh.Registry.Http.Tests.Re6st;

public sealed class Re6stRegistryReaderTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(8_640_000);

    [Fact]
    public void A_registry_is_read_as_re6st_leaves_it()
    {
        using var file = Re6stDatabaseFile.Used();
        Re6stRegistry registry = Read(file);
        Assert.Equal("2001:db8:42::/48", registry.Network.ToString());
        Assert.Equal(["0/16", "1/16", "2/16", "196608/32", "32768/16"], registry.Nodes.Select(static n => n.Prefix.CommonName), StringComparer.Ordinal);
        Assert.Equal(["registry@example.com", "A@example.com", "B@example.com", null, "C@example.com"], registry.Nodes.Select(static n => n.Email), StringComparer.Ordinal);
        Assert.Equal([1UL, 2, 3, 4, 5], registry.Nodes.Select(static n => n.Serial));
        Assert.Equal([0U, 1, 2, 3, 4], registry.Nodes.Select(static n => n.SubjectSerial!.Value));
        Assert.Equal(Re6stDatabaseFile.PemOf("A"), registry.Nodes[1].Pem);
        Assert.True(registry.Nodes[0].NotBefore < Now && registry.Nodes[0].NotAfter > Now);
        Assert.Equal(
            [new Re6stToken("abcdefgh", "x@example.com", 16, DateTimeOffset.FromUnixTimeSeconds(1_700_000_000)), new Re6stToken("free text", "", 32, DateTimeOffset.FromUnixTimeSeconds(1_790_000_000))],
            registry.Tokens);
        Assert.Equal([new Re6stRevocation(6, DateTimeOffset.FromUnixTimeSeconds(1_800_000_000))], registry.Revoked);
        Assert.Equal([NodePrefix.ParseBits(Re6stDatabaseFile.Reserved)], registry.Reserved);
        Assert.Equal((6UL, 1UL, "0/16"), (registry.LastSerial, registry.Version.Number, registry.RegistryPrefix!.Value.CommonName));
        Assert.Equal(Re6stDatabaseFile.LastConfig, registry.LastConfig);
        Assert.Equal([Re6stDatabaseFile.Key(1), null, null], registry.BabelKeys);
        Assert.Equal((RotationState.Stable, null), (registry.KeyState, registry.ValidUntil));
        Assert.Empty(registry.Notes);
    }

    [Fact]
    public void A_registry_that_nobody_has_joined_is_empty()
    {
        using var file = Re6stDatabaseFile.Fresh();
        Re6stRegistry registry = Read(file);
        Assert.Empty(registry.Nodes);
        Assert.Equal((null, 0UL, NetworkVersion.Initial, null), (registry.RegistryPrefix, registry.LastSerial, registry.Version, registry.LastConfig));
        Assert.Equal(new Re6stSummary(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, RotationState.Stable), registry.Summarize(Now, Grace));
    }

    [Fact]
    public void What_would_be_taken_over_is_counted_with_what_has_expired_apart()
    {
        using var file = Re6stDatabaseFile.Used();
        AddNode(file, "0110000000000000", serial: 7, subjectSerial: 7, Now.AddDays(-400), Now.AddDays(-20));
        AddNode(file, "0111000000000000", serial: 8, subjectSerial: 8, Now.AddDays(-800), Now.AddDays(-101));
        file.Execute("INSERT INTO crl VALUES (8, 1)");
        file.Set("serial", 9L);
        Re6stSummary summary = Read(file).Summarize(Now, Grace);
        Assert.Equal(new Re6stSummary(7, 1, 2, 1, 2, 1, 2, 1, 1, 9, 1, RotationState.Stable), summary);
        Assert.Equal(
            [
                "7 nodes (1 anonymous; 2 with an expired certificate, 1 of them beyond the grace period)", "2 tokens (1 expired)",
                "2 revoked serial numbers (1 of certificates that have expired anyway)", "1 reserved prefixes",
                "last serial number 9, version 1 of the parameters, routing keys in state stable",
            ],
            summary.Lines(),
            StringComparer.Ordinal);
    }

    [Fact]
    public void Text_and_octets_are_the_same_whichever_Python_wrote_them()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("UPDATE cert SET cert = CAST(cert AS BLOB), prefix = CAST(prefix AS TEXT)");
        file.Execute("UPDATE token SET email = CAST(email AS BLOB)");
        file.Execute("UPDATE crl SET date = date + 0.5");
        file.Set("prefix", "0000000000000000"u8.ToArray());
        file.Set("last_config", Encoding.UTF8.GetBytes(Re6stDatabaseFile.LastConfig));
        Re6stRegistry registry = Read(file);
        Assert.Equal(Re6stDatabaseFile.PemOf("C"), registry.Nodes[^1].Pem);
        Assert.Equal("x@example.com", registry.Tokens[0].Email);
        Assert.Equal(500, registry.Revoked[0].NotAfter.Millisecond);
        Assert.Equal(Re6stDatabaseFile.LastConfig, registry.LastConfig);
    }

    [Theory]
    [InlineData(null, null, null, RotationState.None)]
    [InlineData(null, 1, 0, RotationState.Init)]
    [InlineData(1, null, null, RotationState.Stable)]
    [InlineData(1, 2, null, RotationState.Prepare)]
    [InlineData(null, 2, 1, RotationState.Switch)]
    [InlineData(1, null, 2, null)]
    [InlineData(1, 2, 3, null)]
    [InlineData(0, null, null, null)]
    [InlineData(null, null, 1, null)]
    [InlineData(null, 0, 1, null)]
    public void Keys_are_in_a_step_of_their_rotation_or_refused(int? first, int? second, int? third, RotationState? expected)
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("DELETE FROM config WHERE name LIKE 'babel_hmac%'");
        foreach ((int? key, int slot) in new[] { first, second, third }.Select(static (key, slot) => (key, slot)))
        {
            if (key is not null)
                file.Set($"babel_hmac{slot}", key == 0 ? Array.Empty<byte>() : Re6stDatabaseFile.Key((byte)key));
        }

        file.Set("valid_until", 1_800_000_000.25);
        if (expected is null)
        {
            Assert.Contains("which is no step of a rotation", Assert.Single(Refuse(file)), StringComparison.Ordinal);
            return;
        }

        Re6stRegistry registry = Read(file);
        Assert.Equal(expected, registry.KeyState);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_250), registry.ValidUntil);
    }

    [Theory]
    [InlineData("UPDATE cert SET prefix = '1100000000000000' WHERE email = 'A@example.com'", "table cert, row '1100000000000000': its certificate is that of 1/16, not of 49152/16")]
    [InlineData("UPDATE cert SET prefix = '0x' WHERE email = 'A@example.com'", "table cert, row '0x': the prefix is not written as bits")]
    [InlineData("UPDATE cert SET cert = 'nonsense' WHERE email = 'A@example.com'", "table cert, row '0000000000000001': the certificate cannot be read")]
    [InlineData("UPDATE cert SET cert = x'ff' WHERE email = 'A@example.com'", "table cert, row '0000000000000001': the certificate is no text")]
    [InlineData("UPDATE cert SET email = char(10) WHERE email = 'A@example.com'", "table cert, row '0000000000000001': an e-mail address")]
    [InlineData("INSERT INTO cert VALUES ('000000000000000', null, null)", "table cert: rows '000000000000000' and '0000000000000000' overlap")]
    [InlineData("INSERT INTO cert VALUES ('', null, null)", "table cert: rows '' and ")]
    [InlineData("UPDATE config SET value = 5 WHERE name = 'serial'", "table config, row 'serial': the last serial number is 5, but 6 was given")]
    [InlineData("DELETE FROM config WHERE name = 'serial'", "table config, row 'serial': the last serial number is 0, but 6 was given")]
    [InlineData("UPDATE config SET value = 'x' WHERE name = 'serial'", "table config, row 'serial': 'x' is no number")]
    [InlineData("UPDATE config SET value = -1 WHERE name = 'serial'", "table config, row 'serial': '-1' is no number")]
    [InlineData("DELETE FROM config WHERE name = 'prefix'", "table config, row 'prefix': it is missing")]
    [InlineData("UPDATE config SET value = '1' WHERE name = 'prefix'", "table config, row 'prefix': the node next to the registry, 1/1, has no certificate")]
    [InlineData("UPDATE config SET value = 'x' WHERE name = 'prefix'", "table config, row 'prefix': 'x' is not a prefix as bits")]
    [InlineData("DELETE FROM config WHERE name = 'version'", "table config, row 'version': it is missing")]
    [InlineData("UPDATE config SET value = x'0203' WHERE name = 'version'", "table config, row 'version': version 2 is not signed by the given certificate authority")]
    [InlineData("UPDATE config SET value = x'00' WHERE name = 'version'", "table config, row 'version': version 0 is not signed")]
    [InlineData("UPDATE config SET value = x'' WHERE name = 'version'", "table config, row 'version': it is no version")]
    [InlineData("UPDATE config SET value = 7 WHERE name = 'version'", "table config, row 'version': it is no version")]
    [InlineData("DELETE FROM config WHERE name = 'last_config'", "table config, row 'last_config': it is missing")]
    [InlineData("UPDATE config SET value = '[]' WHERE name = 'last_config'", "table config, row 'last_config': it is no JSON object")]
    [InlineData("UPDATE config SET value = '{' WHERE name = 'last_config'", "table config, row 'last_config': it is no JSON object")]
    [InlineData("UPDATE config SET value = x'0102' WHERE name = 'babel_hmac0'", "table config, row 'babel_hmac0': a key has 16 octets")]
    [InlineData("INSERT INTO config VALUES ('valid_until', 'soon')", "table config, row 'valid_until': 'soon' is no time")]
    [InlineData("INSERT INTO config VALUES ('valid_until', 1e300)", "table config, row 'valid_until': '1E+300' is no time")]
    [InlineData("UPDATE token SET prefix_len = 81", "table token, row 1 (e-mail 'x@example.com'): prefix_len is '81'; in 2001:db8:42::/48 it has to be 1 to 80")]
    [InlineData("UPDATE token SET prefix_len = 0", "table token, row 1 (e-mail 'x@example.com'): prefix_len is '0'")]
    [InlineData("UPDATE token SET date = 'x'", "table token, row 1 (e-mail 'x@example.com'): date 'x' is no time")]
    [InlineData("UPDATE token SET token = token || char(7)", "table token, row 1 (e-mail 'x@example.com'): a token has 1 to 256 characters")]
    [InlineData("UPDATE token SET token = token || hex(zeroblob(200))", "table token, row 1 (e-mail 'x@example.com'): a token has 1 to 256 characters")]
    [InlineData("UPDATE crl SET serial = -6", "table crl, row -6: it is no serial number of a certificate")]
    [InlineData("UPDATE crl SET date = -6", "table crl, row 6: date '-6' is no time")]
    [InlineData("DROP TABLE crl", "table crl is not that of a re6st registry")]
    [InlineData("ALTER TABLE token DROP COLUMN date", "table token is not that of a re6st registry")]
    public void What_is_not_right_is_named_with_table_and_row(string change, string expected)
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute(change);
        Assert.Contains(Refuse(file), problem => problem.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_problem_is_listed_at_once_and_secrets_never()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("UPDATE cert SET cert = $pem WHERE email = 'A@example.com'", ("$pem", Re6stDatabaseFile.ForeignPem));
        file.Execute("UPDATE token SET date = -1");
        file.Execute("UPDATE config SET value = 2 WHERE name = 'serial'");
        file.Execute("DROP TABLE crl");
        file.Set("babel_hmac1", "short secret");
        IReadOnlyList<string> problems = Refuse(file);
        string[] expected =
        [
            "table token, row 1", "table token, row 2", "table cert, row '0000000000000001': its certificate is not signed by the given certificate authority", "table crl",
            "row 'babel_hmac1'", "row 'serial': the last serial number is 2, but 5 was given",
        ];
        Assert.All(expected, text => Assert.Contains(problems, problem => problem.Contains(text, StringComparison.Ordinal)));
        Assert.All(problems, static problem => Assert.False(problem.Contains("abcdefgh", StringComparison.Ordinal) || problem.Contains("short secret", StringComparison.Ordinal), problem));
    }

    [Fact]
    public void A_list_of_problems_has_an_end()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) INSERT INTO token SELECT 't' || i, '', 0, 0 FROM n");
        IReadOnlyList<string> problems = Refuse(file);
        Assert.Equal((101, "and 50 more"), (problems.Count, problems[^1]));
    }

    [Fact]
    public void Defect_a_certificate_with_a_second_common_name_is_not_taken_over()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("UPDATE cert SET cert = $pem WHERE email = 'B@example.com'", ("$pem", Sign("CN=2/16, SERIALNUMBER=2, CN=1/16", serial: 3)));
        Assert.Contains("table cert, row '0000000000000010': the certificate cannot be read, or its subject is ambiguous", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        file.Execute("UPDATE cert SET cert = $pem WHERE email = 'B@example.com'", ("$pem", Sign("CN=2/16, SERIALNUMBER=2, SERIALNUMBER=1", serial: 3)));
        Assert.Contains("its subject is ambiguous", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        file.Execute("UPDATE cert SET cert = $pem WHERE email = 'B@example.com'", ("$pem", Sign("CN=2/16, SERIALNUMBER=2", serial: 3)));
        Assert.Equal(3UL, Read(file).Nodes[2].Serial);
    }

    [Fact]
    public void Defect_a_key_of_another_size_is_not_taken_over()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("UPDATE cert SET cert = $pem WHERE email = 'B@example.com'", ("$pem", Sign("CN=2/16, SERIALNUMBER=2", serial: 3, keySize: 1024)));
        Assert.Contains("table cert, row '0000000000000010': its key has 1024 bits", Assert.Single(Refuse(file)), StringComparison.Ordinal);
    }

    [Fact]
    public void Defect_an_empty_token_is_a_useless_row_and_passed_over()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("INSERT INTO token VALUES ('', 'nobody@example.com', 16, 1700000000)");
        Re6stRegistry registry = Read(file);
        Assert.Equal(2, registry.Tokens.Length);
        Assert.Contains("(e-mail 'nobody@example.com'): the token is empty", Assert.Single(registry.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Serial_numbers_and_numbers_of_nodes_are_there_once()
    {
        using var file = Re6stDatabaseFile.Used();
        AddNode(file, "0110000000000000", serial: 2, subjectSerial: 3, Now.AddDays(-1), Now.AddDays(1));
        IReadOnlyList<string> problems = Refuse(file);
        Assert.Contains("table cert: rows '0000000000000001' and '0110000000000000' have certificates with the same serial number 2", problems, StringComparer.Ordinal);
        Assert.Contains(problems, static problem => problem.StartsWith("table cert: rows '00000000000000110000000000000000' and '0110000000000000' have the same serialNumber 3", StringComparison.Ordinal));
    }

    [Fact]
    public void Reading_changes_neither_the_database_nor_what_is_beside_it()
    {
        using var file = Re6stDatabaseFile.Used();
        foreach (string mode in new[] { "delete", "wal" })
        {
            file.Execute($"PRAGMA journal_mode = {mode}");
            byte[] before = File.ReadAllBytes(file.Path);
            Assert.Equal(mode == "wal" ? 2 : 1, before[18]);
            DateTime written = File.GetLastWriteTimeUtc(file.Path);
            Assert.Equal(5, Read(file).Nodes.Length);
            Assert.Equal(before, File.ReadAllBytes(file.Path));
            Assert.Equal(written, File.GetLastWriteTimeUtc(file.Path));
            Assert.Equal([file.Path], Directory.GetFileSystemEntries(file.Folder), StringComparer.Ordinal);
        }
    }

    [Fact]
    public void A_database_under_a_name_that_is_awkward_in_an_address_is_read_too()
    {
        using var file = Re6stDatabaseFile.Used();
        file.Execute("PRAGMA journal_mode = wal");
        string odd = Path.Combine(file.Folder, "50% of? a #registry;.db");
        File.Move(file.Path, odd);
        Assert.Equal(5, Re6stRegistryReader.Read(odd, Re6stDatabaseFile.Authority).Nodes.Length);
    }

    [Fact]
    public void A_database_that_somebody_writes_is_refused()
    {
        using var file = Re6stDatabaseFile.Used();
        using (SqliteConnection writer = file.Connect())
        {
            using SqliteCommand begin = writer.CreateCommand();
            begin.CommandText = "BEGIN EXCLUSIVE";
            _ = begin.ExecuteNonQuery();
            Assert.Contains("is in use", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        }

        file.Execute("PRAGMA journal_mode = wal");
        using (SqliteConnection writer = file.Connect())
        {
            using SqliteCommand insert = writer.CreateCommand();
            insert.CommandText = "DELETE FROM token";
            _ = insert.ExecuteNonQuery();
            Assert.Contains($"there is {file.Path}-wal", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        }

        Assert.Empty(Read(file).Tokens);
        File.WriteAllText(file.Path + "-journal", "half of a transaction");
        Assert.Contains($"there is {file.Path}-journal", Assert.Single(Refuse(file)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_an_idle_process_has_open_is_refused()
    {
        using var file = Re6stDatabaseFile.Used();
        using Process idle = Process.Start(new ProcessStartInfo("sh", ["-c", "exec 3<\"$1\"; echo open; exec cat", "sh", file.Path]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        try
        {
            Assert.Equal("open", await idle.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            Assert.Contains($"is in use by process {idle.Id}", Assert.Single(Refuse(file)), StringComparison.Ordinal);
            string link = file.Folder + "-link";
            _ = Directory.CreateSymbolicLink(link, file.Folder);
            Re6stImportException refused = Assert.Throws<Re6stImportException>(() => Re6stRegistryReader.Read(Path.Combine(link, "registry.db"), Re6stDatabaseFile.Authority));
            Directory.Delete(link);
            Assert.Contains($"is in use by process {idle.Id}", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            idle.StandardInput.Close();
            await idle.WaitForExitAsync(CancellationToken.None);
        }

        Assert.Equal(5, Read(file).Nodes.Length);
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused()
    {
        using var file = Re6stDatabaseFile.Fresh();
        File.WriteAllText(file.Path, new string('x', 4096));
        Assert.Contains("is not an SQLite database", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        File.WriteAllBytes(file.Path, []);
        Assert.Contains("is not an SQLite database", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        File.Delete(file.Path);
        Assert.Contains("does not exist", Assert.Single(Refuse(file)), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(file.Folder));
        Directory.CreateDirectory(file.Path);
        Assert.Single(Refuse(file));
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Whatever_is_in_the_file_the_reader_reads_it_or_says_why_not(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        using var file = Re6stDatabaseFile.Used();
        byte[] good = File.ReadAllBytes(file.Path);
        int refused = 0;
        for (int round = 0; round < 150; round++)
        {
            byte[] bad = [.. good];
            for (int change = random.Next(1, 12); change > 0; change--)
                bad[random.Next(round % 3 == 0 ? 200 : bad.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(file.Path, round % 10 == 9 ? bad[..random.Next(bad.Length)] : bad);
            refused += IsRefused(file) ? 1 : 0;
        }

        Assert.InRange(refused, 20, 149);
    }

    [Theory]
    [InlineData(4UL)]
    [InlineData(5UL)]
    public void Whatever_is_in_the_columns_the_reader_reads_it_or_says_why_not(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        string[] columns = ["token.token", "token.email", "token.prefix_len", "token.date", "cert.prefix", "cert.email", "cert.cert", "crl.date", "config.value", "config.name"];
        string[] values = ["NULL", "''", "x''", "-1", "0", "9223372036854775807", "-9223372036854775808", "1e308", "-0.0", "'reserved'", "'0'", "'1'", "x'00'", "x'c328'", "char(0)", "'1/16'", "zeroblob(70000)", "'{}'"];
        for (int round = 0; round < 40; round++)
        {
            using var file = Re6stDatabaseFile.Used();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                string[] column = columns[random.Next(columns.Length)].Split('.');
                file.Execute($"UPDATE OR IGNORE {column[0]} SET {column[1]} = {values[random.Next(values.Length)]} WHERE abs(random()) % 2 = 0");
            }

            _ = IsRefused(file);
        }
    }

    private static Re6stRegistry Read(Re6stDatabaseFile file) => Re6stRegistryReader.Read(file.Path, Re6stDatabaseFile.Authority);

    private static IReadOnlyList<string> Refuse(Re6stDatabaseFile file)
    {
        Re6stImportException refused = Assert.Throws<Re6stImportException>(() => Read(file));
        Assert.Equal(string.Join('\n', refused.Problems), refused.Message);
        return refused.Problems;
    }

    // Anything but this exception fails the test.
    private static bool IsRefused(Re6stDatabaseFile file)
    {
        try
        {
            _ = Read(file);
            return false;
        }
        catch (Re6stImportException e)
        {
            Assert.NotEmpty(e.Problems);
            Assert.All(e.Problems, static problem => Assert.False(problem.Any(char.IsControl), problem));
            return true;
        }
    }

    private static void AddNode(Re6stDatabaseFile file, string bits, ulong serial, uint subjectSerial, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        Assert.True(CertificateAuthority.TryLoad(Re6stDatabaseFile.AuthorityPem, Re6stDatabaseFile.AuthorityKeyPem, out CertificateAuthority? authority, out _));
        using (authority)
        {
            using var key = Security.Keys.PrivateKey.Generate();
            Assert.Equal(RequestProblem.None, authority.TryIssue(new CertificateRequestBuilder().ToPem(key), new IssuedIdentity(NodePrefix.ParseBits(bits), subjectSerial, serial, notBefore, notAfter), out NodeCertificate? certificate));
            file.Execute("INSERT INTO cert VALUES ($prefix, 'old@example.com', $pem)", ("$prefix", bits), ("$pem", certificate!.ToPem()));
        }
    }

    // What our own authority never makes: a subject as it was asked for.
    private static string Sign(string subject, byte serial, int keySize = 2048)
    {
        using var authorityKey = RSA.Create();
        authorityKey.ImportFromPem(Re6stDatabaseFile.AuthorityKeyPem);
        using var authority = X509Certificate2.CreateFromPem(Re6stDatabaseFile.AuthorityPem);
        using var key = RSA.Create(keySize);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.Create(authority.SubjectName, X509SignatureGenerator.CreateForRSA(authorityKey, RSASignaturePadding.Pkcs1), Now, Now.AddDays(1), [serial]);
        return certificate.ExportCertificatePem();
    }
}
