#!/usr/bin/perl
# Makes the databases beside it with MaxMind's own writer (Debian: libmaxmind-db-writer-perl), in place: ./make.pl
use strict;
use warnings;
use FindBin;
use MaxMind::DB::Writer::Tree;

my %types = (
    country => 'map', registered_country => 'map', continent => 'map', names => 'map', traits => 'map', location => 'map', subdivisions => [ 'array', 'map' ],
    iso_code => 'utf8_string', code => 'utf8_string', en => 'utf8_string', geoname_id => 'uint32', is_in_european_union => 'boolean',
    latitude => 'double', accuracy => 'uint16', share => 'float', offset => 'int32', size => 'uint64', large => 'uint128', raw => 'bytes',
);

sub place {
    my ($country, $continent, %more) = @_;
    return { $country ? (country => { iso_code => $country, geoname_id => 3017382, names => { en => "The country $country" } }) : (),
        $continent ? (continent => { code => $continent, names => { en => "The continent $continent" } }) : (), %more };
}

my %everything = (
    registered_country => { iso_code => 'ZZ' }, subdivisions => [ { iso_code => 'XX' }, { iso_code => 'YY' } ], traits => { is_in_european_union => 1, raw => "\x00\xff" },
    location => { latitude => 48.85, accuracy => 65535, share => 0.5, offset => -3600, size => '18446744073709551615', large => '340282366920938463463374607431768211455' },
);

for my $bits (24, 28, 32) {
    for my $version (4, 6) {
        my $tree = MaxMind::DB::Writer::Tree->new(
            ip_version => $version, record_size => $bits, database_type => "Test-Country-$version-$bits", languages => ['en'],
            description => { en => 'Made for tests' }, map_key_type_callback => sub { $types{ $_[0] } }, remove_reserved_networks => 0,
            $version == 6 ? (alias_ipv6_to_ipv4 => 1) : (),
        );
        $tree->insert_network('192.0.2.0/25', place('FR', 'EU', %everything));
        $tree->insert_network('192.0.2.128/32', place('DE', 'EU'));
        $tree->insert_network('198.51.100.0/24', place('', 'EU'));
        $tree->insert_network('203.0.113.0/24', { registered_country => { iso_code => 'ZZ' } });
        if ($version == 6) {
            $tree->insert_network('2001:db8::/33', place('JP', 'AS', %everything));
            $tree->insert_network('2001:db8:8000::1/128', place('US', 'NA'));
        }
        open my $file, '>:raw', "$FindBin::Bin/writer-$version-$bits.mmdb" or die $!;
        $tree->write_tree($file);
        close $file or die $!;
    }
}
